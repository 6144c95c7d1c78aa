//! Proxies: what sections say, with defaults taken in.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::balance::{Choice, HashType};
use super::document::{Document, Line, Section};
use super::line::Word;
use super::server::{Params, Server, Wrong, joined, server, time};
use crate::source::Place;
use crate::version::Version;

/// Options that decide who gets traffic, or how connections follow requests.
const OPTIONS: [&str; 7] = [
    "redispatch",
    "allbackups",
    "prefer-last-server",
    "http-server-close",
    "httpclose",
    "forceclose",
    "persist",
];

/// A line `cookie NAME ...`.
#[derive(Clone, Debug)]
pub(super) struct Cookie {
    pub(super) name: Word,
    words: HashSet<Rc<str>>,
}

impl Cookie {
    pub(super) fn has(&self, word: &str) -> bool {
        self.words.contains(word)
    }

    /// Whether `HAProxy` writes it; otherwise it only reads what servers write.
    pub(super) fn is_written(&self) -> bool {
        self.has("insert")
    }
}

/// What is balanced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Tcp,
    Http,
    /// `log`, `spop` and others: neither connections nor requests.
    Other,
}

/// What sections hand on to those that take them as defaults. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) mode: Mode,
    pub(super) balance: Option<(Rc<Choice>, Place)>,
    pub(super) hash: HashType,
    /// `hash-balance-factor`, in percent; 0: none.
    pub(super) factor: u64,
    /// Whether `hash-preserve-affinity` lets full servers pass keys on.
    pub(super) passes_on: bool,
    pub(super) cookie: Option<Rc<Cookie>>,
    options: [Option<Place>; OPTIONS.len()],
    default_server: Rc<Params>,
    /// `timeout tunnel`, in milliseconds.
    pub(super) tunnel: Option<(u64, Place)>,
    pub(super) disabled: bool,
    /// Whether something in it depends on a condition that is not known.
    pub(super) uncertain: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Tcp,
            balance: None,
            hash: HashType::DEFAULT,
            factor: 0,
            passes_on: false,
            cookie: None,
            options: [None; OPTIONS.len()],
            default_server: Rc::default(),
            tunnel: None,
            disabled: false,
            uncertain: false,
        }
    }
}

impl Settings {
    pub(super) fn is_http(&self) -> bool {
        self.mode == Mode::Http
    }

    /// Where an option is set, if it is.
    pub(super) fn option(&self, name: &str) -> Option<Place> {
        let index = OPTIONS.iter().position(|option| *option == name)?;
        self.options[index]
    }
}

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
    pub(super) dynamic: bool,
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
            self.uses(&line.words);
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
            self.uses(&line.words);
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

    fn uses(&mut self, words: &[Word]) {
        let [verb, name, ..] = words else { return };
        if verb.is("use_backend") || verb.is("default_backend") {
            self.dynamic |= name.text.contains("%[") || name.unresolved;
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
        let first = &words[0];
        let wrong = |what| (first.place, what);
        let settings = &mut self.settings;
        match &*first.text {
            "mode" => mode(settings, words)?,
            // Alone it stands for the default.
            "balance" if words.len() == 1 => settings.balance = None,
            "balance" => {
                let last = words[words.len() - 1].place;
                let choice = Choice::parse(&words[1..]).map_err(wrong)?;
                settings.balance = Some((Rc::new(choice), joined(first.place, last)));
            }
            "hash-type" => settings.hash = HashType::parse(first, &words[1..]).map_err(wrong)?,
            "hash-balance-factor" => {
                let factor = words.get(1).and_then(|word| word.text.parse().ok());
                settings.factor = factor.unwrap_or(0);
            }
            "hash-preserve-affinity" => {
                settings.passes_on = words.get(1).is_some_and(|word| !word.is("always"));
            }
            "cookie" => {
                let Some(name) = words.get(1) else {
                    return Err(wrong("the name of a cookie is expected".to_owned()));
                };
                settings.cookie = Some(Rc::new(Cookie {
                    name: name.clone(),
                    words: words[2..]
                        .iter()
                        .map(|word| Rc::clone(&word.text))
                        .collect(),
                }));
            }
            "option" => option(settings, &words[1..], true),
            "no" if words.get(1).is_some_and(|word| word.is("option")) => {
                option(settings, &words[2..], false);
            }
            "timeout" => {
                if let [_, kind, value, ..] = words
                    && kind.is("tunnel")
                {
                    let place = joined(first.place, value.place);
                    settings.tunnel = time(value)?.map(|time| (time, place));
                }
            }
            "disabled" => settings.disabled = true,
            "enabled" => settings.disabled = false,
            "default-server" => Rc::make_mut(&mut settings.default_server).read(&words[1..])?,
            "server" | "server-template" => {
                self.servers.push(server(words, &settings.default_server)?);
            }
            "stick" => self.sticks.push(words.to_vec()),
            "bind" => self.told_source |= words.iter().any(|word| word.is("accept-proxy")),
            "http-request" | "tcp-request" => {
                self.told_source |= words.iter().any(|word| word.is("set-src"));
            }
            _ => {}
        }
        Ok(())
    }
}

fn mode(settings: &mut Settings, words: &[Word]) -> Result<(), Wrong> {
    let Some(mode) = words.get(1) else {
        return Err((
            words[0].place,
            "`tcp` or `http` is expected after this".to_owned(),
        ));
    };
    settings.mode = match &*mode.text {
        "http" => Mode::Http,
        "tcp" => Mode::Tcp,
        _ => Mode::Other,
    };
    Ok(())
}

fn option(settings: &mut Settings, words: &[Word], on: bool) {
    let Some(word) = words.first() else { return };
    if let Some(index) = OPTIONS.iter().position(|option| word.is(option)) {
        settings.options[index] = on.then_some(word.place);
    }
}
