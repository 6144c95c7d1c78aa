//! Directives that send requests somewhere: `ProxyPass`, `ProxyPassMatch`, `RewriteRule ... [P]`, `SetHandler "proxy:..."`.

use super::document::Directive;
use super::line::Word;
use super::url::{Url, balancer};

/// A directive that sends requests somewhere.
#[derive(Clone, Debug)]
pub(super) struct Pass {
    /// Its name.
    pub(super) word: Word,
    /// The virtual host that it is in; 0: the main server.
    pub(super) host: usize,
    /// Where it sends them.
    pub(super) url: Word,
    pub(super) target: Target,
    /// What begins the paths that it takes; `None` if something else decides.
    pub(super) path: Option<Word>,
    /// Whether it is in a `<Location>`.
    pub(super) located: bool,
    /// Whether it is `ProxyPass`, which makes a balancer known to its server.
    pub(super) defines: bool,
    /// `key=value`.
    pub(super) params: Vec<Word>,
}

/// Where requests are sent.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// To a balancer: its name in lower case.
    Balancer(String),
    /// To one server.
    Server(Url),
    /// Where a request or a variable says.
    Variable,
    /// Not away: `!`.
    Here,
}

/// Reads such a directive; `None` if it is none.
pub(super) fn pass(directive: &Directive) -> Option<Pass> {
    let context = &directive.context;
    let args = directive.args();
    let name = directive.name().text.to_ascii_lowercase();
    let plain = |word: &Word| (word.text != "~").then(|| word.clone());
    let (path, url, params): (_, &Word, &[Word]) = match name.as_str() {
        "proxypass" | "proxypassmatch" if context.location.is_some() || context.partial => {
            let path = context.location.as_ref().filter(|_| !context.partial);
            (path.cloned(), args.first()?, args.get(1..)?)
        }
        "proxypass" | "proxypassmatch" => {
            let regex = args.first()?.text == "~";
            let args = if regex { args.get(1..)? } else { args };
            let path = args
                .first()
                .and_then(plain)
                .filter(|_| !regex && name == "proxypass");
            (path, args.get(1)?, args.get(2..)?)
        }
        "rewriterule" if proxies(args.get(2)?) => (None, args.get(1)?, &[]),
        "sethandler" if is_proxy(&args.first()?.text) => (None, args.first()?, &[]),
        _ => return None,
    };
    Some(Pass {
        word: directive.name().clone(),
        host: context.host,
        target: target(url),
        url: url.clone(),
        path: path.filter(|path| !path.unresolved),
        located: context.location.is_some(),
        defines: name.starts_with("proxypass"),
        params: params.to_vec(),
    })
}

fn is_proxy(handler: &str) -> bool {
    let start = handler.get(.."proxy:".len());
    start.is_some_and(|start| start.eq_ignore_ascii_case("proxy:"))
}

/// Whether the flags of a `RewriteRule` have `P`.
fn proxies(flags: &Word) -> bool {
    let bare = flags.text.trim_start_matches('[').trim_end_matches(']');
    bare.split(',').any(|flag| {
        let flag = flag.trim();
        flag == "P" || flag.eq_ignore_ascii_case("proxy")
    })
}

fn target(word: &Word) -> Target {
    let text = word.text.strip_prefix("proxy:").unwrap_or(&word.text);
    if text == "!" {
        return Target::Here;
    }
    let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = authority.split(['/', '?']).next().unwrap_or_default();
    let open = host.contains(['$', '%']);
    match (balancer(text), Url::parse(text)) {
        _ if open => Target::Variable,
        (Some(name), _) => Target::Balancer(name),
        (None, Some(url)) => Target::Server(url),
        (None, None) => Target::Variable,
    }
}
