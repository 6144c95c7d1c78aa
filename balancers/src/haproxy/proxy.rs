//! Proxies: what sections say, with defaults taken in.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::balance::Choice;
use super::document::{Document, Line, Section};
use super::line::Word;
use super::params::Wrong;
use super::server::{Server, server};
use super::settings::{Mode, Settings};
use crate::version::Version;

/// A `frontend`, `backend` or `listen`.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) kind: Word,
    pub(super) name: Word,
    pub(super) settings: Settings,
    pub(super) servers: Vec<Server>,
    /// `stick on`, `stick match` and `stick-table`: the lines' words.
    pub(super) sticks: Vec<Vec<Word>>,
    /// Whether clients' addresses come from a proxy before this one.
    pub(super) told_source: bool,
}

impl Proxy {
    /// How it chooses servers.
    pub(super) fn choice(&self, version: Option<Version>) -> Rc<Choice> {
        match &self.settings.balance {
            Some((choice, _)) if choice.needs_http() && !self.settings.is_http() => {
                Rc::new(Choice::RoundRobin)
            }
            Some((choice, _)) => Rc::clone(choice),
            None => Rc::new(Choice::default(version)),
        }
    }

    /// What binds sessions to servers: the words that say so.
    pub(super) fn sticky(&self) -> Option<&Word> {
        let cookie = self
            .settings
            .cookie
            .as_ref()
            .filter(|_| self.settings.is_http());
        let stick = || {
            self.sticks
                .iter()
                .find(|words| words.len() > 1 && !words[1].is("store"))
        };
        let cookie = cookie.map(|cookie| &cookie.name);
        cookie.or_else(|| stick().map(|words| &words[0]))
    }
}

/// What sections come to.
#[derive(Debug, Default)]
pub(super) struct Config {
    pub(super) proxies: Vec<Proxy>,
    /// Backends that are named in `use_backend` or `default_backend`.
    pub(super) used: HashSet<Rc<str>>,
    /// Whether a backend's name is made when requests come.
    pub(super) dynamic: Vec<(Word, Mode)>,
    /// Whether anything in it takes connections in; without, it is a part of a configuration.
    pub(super) whole: bool,
    /// Whether clients' addresses come from a proxy before this one.
    pub(super) told_source: bool,
    /// `nbproc` and `thread-groups`.
    pub(super) processes: Option<u32>,
    pub(super) groups: Option<u32>,
    named: HashMap<Rc<str>, Settings>,
    last: Settings,
    /// Names of what has servers, of which there must be one each.
    backends: HashSet<Rc<str>>,
}

/// Reads sections in their order.
pub(super) fn config(document: &Document) -> Result<Config, Wrong> {
    let mut config = Config::default();
    for section in &document.sections {
        match &*section.head.words[0].text {
            "global" => config.global(section),
            "defaults" => config.defaults(section)?,
            "frontend" | "backend" | "listen" => config.proxy(section)?,
            _ => {}
        }
    }
    Ok(config)
}

impl Config {
    fn global(&mut self, section: &Section) {
        for line in &section.lines {
            let number = line.words.get(1).and_then(|word| word.text.parse().ok());
            match &*line.words[0].text {
                "nbproc" => self.processes = number,
                "thread-groups" => self.groups = number,
                _ => {}
            }
        }
    }

    /// What a section starts from: that of `from NAME`, else of the last `defaults`.
    fn base(&self, head: &Line, last: &Settings) -> Result<Settings, Wrong> {
        let from = head.words.iter().position(|word| word.is("from"));
        let Some(from) = from.filter(|index| *index > 0) else {
            return Ok(last.clone());
        };
        let Some(name) = head.words.get(from + 1) else {
            let what = "the name of a `defaults` section is expected after `from`";
            return Err((head.words[from].place, what.to_owned()));
        };
        let known = self.named.get(&name.text).cloned();
        let unknown = || {
            (
                name.place,
                "there is no `defaults` section of this name before".to_owned(),
            )
        };
        // An unresolved name may be any.
        if name.unresolved {
            return Ok(known.unwrap_or_default());
        }
        known.ok_or_else(unknown)
    }

    fn defaults(&mut self, section: &Section) -> Result<(), Wrong> {
        let mut proxy = Proxy {
            settings: self.base(&section.head, &Settings::default())?,
            ..Proxy::new(&section.head)
        };
        for line in &section.lines {
            proxy.settings.uncertain |= line.branch != section.head.branch;
            proxy.line(line)?;
            self.uses(&line.words, proxy.settings.mode);
        }
        let name = section.head.words.get(1).filter(|word| !word.is("from"));
        if let Some(name) = name {
            self.named
                .insert(Rc::clone(&name.text), proxy.settings.clone());
        }
        self.last = proxy.settings;
        Ok(())
    }

    fn proxy(&mut self, section: &Section) -> Result<(), Wrong> {
        let words = &section.head.words;
        let Some(name) = words.get(1) else {
            return Err((words[0].place, "a name is expected after this".to_owned()));
        };
        let mut proxy = Proxy {
            settings: self.base(&section.head, &self.last)?,
            ..Proxy::new(&section.head)
        };
        for line in &section.lines {
            proxy.settings.uncertain |= line.branch != section.head.branch;
            proxy.line(line)?;
            self.uses(&line.words, proxy.settings.mode);
        }
        self.told_source |= proxy.told_source;
        self.whole |= !words[0].is("backend");
        number(&mut proxy.servers);
        if !words[0].is("frontend") && !self.backends.insert(Rc::clone(&name.text)) {
            // Of branches only one is taken.
            if section.head.branch > 0 {
                return Ok(());
            }
            return Err((name.place, "another backend has this name".to_owned()));
        }
        self.proxies.push(proxy);
        Ok(())
    }

    fn uses(&mut self, words: &[Word], mode: Mode) {
        let [verb, name, ..] = words else { return };
        if verb.is("use_backend") || verb.is("default_backend") {
            if name.text.contains("%[") || name.unresolved {
                self.dynamic.push((name.clone(), mode));
            }
            self.used.insert(Rc::clone(&name.text));
        }
    }
}

/// Gives numbers to servers without: the next that is free, counted from the server's position
/// (`check_config_validity` in `src/cfgparse.c`).
fn number(servers: &mut [Server]) {
    let own = |server: &Server| {
        let id = server.params.id.and_then(|(id, _)| id)?;
        u32::try_from(id).ok()
    };
    let taken: HashSet<u32> = servers.iter().filter_map(own).collect();
    let mut next = 1_u32;
    for server in servers {
        server.id = own(server).unwrap_or_else(|| {
            while taken.contains(&next) {
                next = next.saturating_add(1);
            }
            next
        });
        let count = server.template.unwrap_or(1);
        next = next.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
    }
}

impl Proxy {
    fn new(head: &Line) -> Self {
        let words = &head.words;
        Self {
            kind: words[0].clone(),
            name: words.get(1).unwrap_or(&words[0]).clone(),
            settings: Settings::default(),
            servers: Vec::new(),
            sticks: Vec::new(),
            told_source: false,
        }
    }

    /// Takes in one line; unknown ones are passed over.
    fn line(&mut self, line: &Line) -> Result<(), Wrong> {
        let words = &line.words[..];
        match &*words[0].text {
            "server" | "server-template" => {
                let defaults = &self.settings.default_server;
                self.servers.push(server(words, defaults)?);
            }
            "stick" => self.sticks.push(words.to_vec()),
            "bind" => self.told_source |= words.iter().any(|word| word.is("accept-proxy")),
            "http-request" | "tcp-request" => {
                self.told_source |= words.iter().any(|word| {
                    ["set-src", "expect-proxy", "expect-netscaler-cip"]
                        .iter()
                        .any(|it| word.is(it))
                });
            }
            _ => self.settings.line(words)?,
        }
        Ok(())
    }
}
