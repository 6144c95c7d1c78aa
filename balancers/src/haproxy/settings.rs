//! What sections say of balancing, and hand on if they are `defaults`.

use std::collections::HashSet;
use std::rc::Rc;

use super::balance::{Choice, HashType};
use super::line::Word;
use super::params::{Params, Wrong, joined, time};
use crate::source::Place;

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
    fn parse(words: &[Word]) -> Result<Self, Wrong> {
        let Some(name) = words.get(1) else {
            let what = "the name of a cookie is expected after this";
            return Err((words[0].place, what.to_owned()));
        };
        let words = words[2..].iter().map(|word| Rc::clone(&word.text));
        Ok(Self {
            name: name.clone(),
            words: words.collect(),
        })
    }

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
    pub(super) default_server: Rc<Params>,
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

    /// Takes in one line; unknown ones are passed over.
    pub(super) fn line(&mut self, words: &[Word]) -> Result<(), Wrong> {
        let first = &words[0];
        match &*first.text {
            "mode" => mode(self, words)?,
            "balance" | "hash-type" | "hash-balance-factor" | "hash-preserve-affinity" => {
                self.balancing(first, &words[1..])?;
            }
            "cookie" => self.cookie = Some(Rc::new(Cookie::parse(words)?)),
            "option" => option(self, &words[1..], true),
            "no" if words.get(1).is_some_and(|word| word.is("option")) => {
                option(self, &words[2..], false);
            }
            "timeout" => {
                if let [_, kind, value, ..] = words
                    && kind.is("tunnel")
                {
                    let place = joined(first.place, value.place);
                    self.tunnel = time(value)?.map(|time| (time, place));
                }
            }
            "disabled" => self.disabled = true,
            "enabled" => self.disabled = false,
            "default-server" => Rc::make_mut(&mut self.default_server).read(&words[1..])?,
            _ => {}
        }
        Ok(())
    }

    fn balancing(&mut self, first: &Word, args: &[Word]) -> Result<(), Wrong> {
        let wrong = |what| (first.place, what);
        match (&*first.text, args) {
            // Alone it stands for the default.
            ("balance", []) => self.balance = None,
            ("balance", [.., last]) => {
                let choice = Choice::parse(args).map_err(wrong)?;
                self.balance = Some((Rc::new(choice), joined(first.place, last.place)));
            }
            ("hash-type", _) => self.hash = HashType::parse(first, args).map_err(wrong)?,
            ("hash-balance-factor", _) => {
                let factor = args.first().and_then(|word| word.text.parse().ok());
                self.factor = factor.unwrap_or(0);
            }
            _ => self.passes_on = args.first().is_some_and(|word| !word.is("always")),
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
