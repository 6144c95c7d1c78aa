//! What an agent tells, event by event: the same for an agent that is asked over HTTP and for one within this process.

mod agent;
mod events;
pub(crate) mod told;

use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::agent::{Agent, AgentError};
pub(crate) use self::events::Event;
use self::events::{EventError, Parser};
use self::told::Frame;
pub(crate) use self::told::Mark;
use crate::http_client::{ClientError, Streaming};
use crate::publish::Tap;

/// Nothing heard for so long, or for three and a half intervals, means that the agent is gone, even if the connection seems to be
/// there: it tells of itself every five seconds.
const SILENCE: Duration = Duration::from_secs(20);

/// The pause before it is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// News that wait to be taken.
const QUEUE: usize = 16;

/// Who tells.
#[derive(Debug)]
pub(crate) enum Source {
    /// An agent that serves.
    Agent(Box<Agent>),
    /// This process.
    Own(Tap),
}

/// What a follower hears.
#[derive(Debug)]
pub(crate) enum News {
    /// Somebody answers; all will be told again.
    Opened,
    /// What was told.
    Event(Event),
    /// Nothing is told any longer, and why. It is tried again.
    Lost(String),
}

/// Why nothing is told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    #[error(transparent)]
    Agent(#[from] AgentError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Event(#[from] EventError),
    #[error("it has ended the stream")]
    Ended,
    #[error("nothing was heard of it for {0:?}")]
    Silent(Duration),
    #[error("too many listen already")]
    Full,
}

/// Bytes of events, as they come.
enum Chunks {
    Remote(Box<Streaming>),
    Own(mpsc::Receiver<Bytes>),
}

impl Chunks {
    async fn next(&mut self) -> Option<Result<Bytes, ClientError>> {
        match self {
            Self::Remote(streaming) => streaming.next().await,
            Self::Own(receiver) => receiver.recv().await.map(Ok),
        }
    }
}

impl Source {
    async fn open(&self, pool: Option<&str>) -> Result<Chunks, FeedError> {
        match self {
            Self::Agent(agent) => Ok(Chunks::Remote(Box::new(agent.stream(pool).await?))),
            Self::Own(tap) => {
                let events = tap.events(pool.map(str::to_owned));
                events.map(Chunks::Own).ok_or(FeedError::Full)
            }
        }
    }

    /// The answer of `/api/v1/pools`.
    pub(crate) async fn pools(&self) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Agent(agent) => Ok(agent.pools().await?),
            Self::Own(tap) => Ok(tap.pools()?),
        }
    }
}

/// Listens to a source, and comes again when it breaks. Ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Follower {
    news: mpsc::Receiver<News>,
    _task: AbortOnDropHandle<()>,
}

impl Follower {
    /// Listens to what is told of one pool in full, or of all in short.
    pub(crate) fn start(source: std::sync::Arc<Source>, pool: Option<String>) -> Self {
        let (sender, news) = mpsc::channel(QUEUE);
        let task = tokio::spawn(async move {
            loop {
                let Err(error) = listen(&source, pool.as_deref(), &sender).await else {
                    return;
                };
                if sender.send(News::Lost(error.to_string())).await.is_err() {
                    return;
                }
                sleep(AGAIN).await;
            }
        });
        Self {
            news,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// The next news; `None` never comes while the follower is there.
    pub(crate) async fn next(&mut self) -> Option<News> {
        self.news.recv().await
    }
}

/// Passes on what is told, until nothing is told any longer, or until nobody takes it.
async fn listen(
    source: &Source,
    pool: Option<&str>,
    sender: &mpsc::Sender<News>,
) -> Result<(), FeedError> {
    let mut chunks = source.open(pool).await?;
    if sender.send(News::Opened).await.is_err() {
        return Ok(());
    }
    let mut parser = Parser::default();
    let mut patience = SILENCE;
    loop {
        let chunk = timeout(patience, chunks.next())
            .await
            .or(Err(FeedError::Silent(patience)))?
            .ok_or(FeedError::Ended)??;
        for event in parser.take(&chunk)? {
            if let Some(frame) = frame(&event) {
                let least = Duration::try_from_secs_f64(frame.interval_seconds * 3.5);
                patience = SILENCE.max(least.unwrap_or_default());
            }
            if sender.send(News::Event(event)).await.is_err() {
                return Ok(());
            }
        }
    }
}

fn frame(event: &Event) -> Option<Frame> {
    match event {
        Event::Pools(pools) => Some(pools.frame),
        Event::Pool(pool) => pool.frame,
        _ => None,
    }
}

/// The events in `bytes`.
#[cfg(test)]
pub(super) fn parsed(bytes: &[u8]) -> Vec<Event> {
    Parser::default().take(bytes).unwrap()
}
