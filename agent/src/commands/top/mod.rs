//! `evenkeel top`: what an agent knows, live in the terminal or once as a table.

mod args;
mod own;

use std::convert::Infallible;
use std::future::pending;
use std::io::{IsTerminal as _, Write, stdout};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime::Runtime;
use tracing::debug;

pub(super) use self::args::TopArgs;
use self::own::Own;
use super::terminal::colours_are_wanted;
use super::{Output, exit};
use crate::config::{Config, ConfigError};
use crate::top::feed::{Agent, FeedError, Source};
use crate::top::session::Session;
use crate::top::{NoTerminal, once};

/// How long it may take until all pools were told of: an agent with very many takes a few seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the user can put right by another command line or another file.
#[derive(Debug, thiserror::Error)]
enum UsageError {
    #[error(transparent)]
    NoTerminal(#[from] NoTerminal),
    #[error(transparent)]
    Config(#[from] ConfigError),
    // The address is not repeated: it may hold a password.
    #[error("--url: what is given {0}")]
    Url(&'static str),
}

/// Whom we listen to, and what has to go on meanwhile.
struct Found {
    source: Source,
    from: String,
    own: Option<Own>,
}

/// Shows what there is; gives the exit code.
pub(super) fn run(args: &TopArgs, out: &mut dyn Write, err: &mut dyn Write) -> anyhow::Result<u8> {
    match shown(args, out) {
        Ok(()) => Ok(exit::FINE),
        Err(error) => match error.downcast::<UsageError>() {
            Ok(usage) => {
                writeln!(err, "evenkeel: {usage}")?;
                Ok(exit::USAGE)
            }
            Err(error) => Err(error),
        },
    }
}

fn shown(args: &TopArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    if !args.once && !stdout().is_terminal() {
        return Err(UsageError::from(NoTerminal).into());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    let outcome = runtime.block_on(async {
        let found = find(args).await?;
        if args.once {
            print(args, found, out).await
        } else {
            look(args, found).await
        }
    });
    end(runtime);
    outcome
}

/// Threads that wait for something are not waited for.
fn end(runtime: Runtime) {
    runtime.shutdown_timeout(Duration::from_millis(500));
}

/// The agent that was named, or else that of this host, or else this process.
async fn find(args: &TopArgs) -> anyhow::Result<Found> {
    if let Some(file) = &args.config {
        let config = Config::load(file).map_err(UsageError::from)?;
        return own(&config, args);
    }
    let url = args.address();
    let agent = Agent::new(url, args.access()).map_err(UsageError::Url)?;
    let Err(error) = agent.check().await else {
        return Ok(Found {
            source: Source::Agent(Box::new(agent)),
            from: url.trim_end_matches('/').to_owned(),
            own: None,
        });
    };
    let nobody = matches!(&error, FeedError::Client(error) if error.is_unreachable());
    if args.named() || !nobody {
        return Err(error).with_context(|| format!("the agent at {url}"));
    }
    debug!("no agent answers at {url} ({error}): counting by this process");
    own(&Config::default(), args).with_context(|| {
        format!(
            "no agent answers at {url} ({error}), and this process cannot count by itself. Start an agent (`evenkeel run`), name \
             another one by --url, or do this as root"
        )
    })
}

fn own(config: &Config, args: &TopArgs) -> anyhow::Result<Found> {
    let (own, tap) = Own::begin(config, args.cgroup.clone())?;
    Ok(Found {
        source: Source::Own(tap),
        from: "counting by itself".to_owned(),
        own: Some(own),
    })
}

async fn print(args: &TopArgs, found: Found, out: &mut dyn Write) -> anyhow::Result<()> {
    let Found { source, from, own } = found;
    let source = Arc::new(source);
    let counts = own.is_some();
    let printing = async {
        if counts {
            tokio::time::sleep(args.time).await;
        }
        match args.output {
            Output::Json => {
                out.write_all(&source.pools().await?)?;
                writeln!(out)?;
            }
            Output::Text => {
                let colour = stdout().is_terminal() && colours_are_wanted();
                let what = (args.order(), args.filter.as_str());
                once::table(Arc::clone(&source), what, colour, PATIENCE, out).await?;
            }
        }
        anyhow::Ok(())
    };
    tokio::select! {
        outcome = printing => outcome.with_context(|| from.clone())?,
        Err(error) = broken(own) => return Err(error),
    }
    Ok(())
}

async fn look(args: &TopArgs, found: Found) -> anyhow::Result<()> {
    let Found { source, from, own } = found;
    let session = Session {
        source: Arc::new(source),
        from,
        sort: args.order(),
        filter: args.filter.clone(),
        colour: colours_are_wanted(),
    };
    session.run(broken(own)).await
}

/// Ends only if what counts breaks.
async fn broken(own: Option<Own>) -> anyhow::Result<Infallible> {
    match own {
        Some(own) => own.broken().await,
        None => pending().await,
    }
}
