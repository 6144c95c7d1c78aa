//! The view, for as long as somebody looks.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use ratatui_crossterm::crossterm::event::Event;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use super::feed::{Follower, News, Source};
use super::keys;
use super::order::Sort;
use super::screen::{Screen, events};
use super::ui::{Effect, Ui};
use super::view::{self, Look};
use super::world::{Link, World};

/// Frames come no faster.
const FRAME: Duration = Duration::from_millis(33);
/// How often ages are drawn anew while figures do not come.
const SECOND: Duration = Duration::from_secs(1);

/// What is looked at, and how.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) source: Arc<Source>,
    /// Who tells, for the head of the view.
    pub(crate) from: String,
    pub(crate) sort: Sort,
    pub(crate) filter: String,
    pub(crate) colour: bool,
}

/// What runs while the view is open.
struct State {
    source: Arc<Source>,
    world: World,
    ui: Ui,
    look: Look,
    all: Follower,
    one: Option<Follower>,
    /// Whether what is drawn is not what is known.
    stale: bool,
}

impl Session {
    /// Draws until somebody quits or a signal comes; or until `broken` tells what went wrong.
    pub(crate) async fn run(
        self,
        broken: impl Future<Output = anyhow::Result<Infallible>>,
    ) -> anyhow::Result<()> {
        let mut signals = Signals::listen()?;
        let mut screen = Screen::take()?;
        let mut keys = events().context("cannot listen to the keyboard")?;
        let mut state = State::new(self);
        let mut clock = interval(SECOND);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next = Instant::now();
        let mut broken = std::pin::pin!(broken);
        loop {
            if state.stale && Instant::now() >= next {
                state.draw(&mut screen)?;
                next = Instant::now() + FRAME;
            }
            tokio::select! {
                event = keys.recv() => {
                    // A terminal that cannot be read from is gone.
                    let Some(Ok(event)) = event else { return Ok(()) };
                    match state.event(&event) {
                        Effect::Quit => return Ok(()),
                        Effect::Suspend => screen.suspend()?,
                        Effect::Redraw => screen.redraw()?,
                        Effect::None => {}
                    }
                }
                Some(news) = state.all.next() => state.take(news),
                Some(news) = news_of(&mut state.one) => state.take_detail(news),
                _ = clock.tick() => state.stale |= state.world.link != Link::Live,
                () = sleep_until(next.into()), if state.stale => {}
                () = signals.any() => return Ok(()),
                Err(error) = &mut broken => return Err(error),
            }
        }
    }
}

/// What is told of one pool, if one is looked at.
async fn news_of(follower: &mut Option<Follower>) -> Option<News> {
    match follower {
        Some(follower) => follower.next().await,
        None => pending().await,
    }
}

impl State {
    fn new(session: Session) -> Self {
        let Session {
            source,
            from,
            sort,
            filter,
            colour,
        } = session;
        Self {
            all: Follower::start(Arc::clone(&source), None),
            one: None,
            source,
            world: World::new(),
            ui: Ui::new(sort, filter),
            look: Look { from, colour },
            stale: true,
        }
    }

    fn take(&mut self, news: News) {
        let now = Instant::now();
        let turned = self.world.take(news, now);
        self.ui.follow(&self.world, turned, now);
        self.stale = true;
    }

    fn take_detail(&mut self, news: News) {
        self.world.take_detail(news);
        self.stale = true;
    }

    fn event(&mut self, event: &Event) -> Effect {
        self.stale = true;
        let mut effect = Effect::None;
        // Otherwise the size has changed, and the next frame fits.
        if let Event::Key(key) = event {
            for action in keys::actions(*key, &self.ui) {
                effect = self.ui.act(action, &self.world, Instant::now());
            }
        }
        let looked_at = self
            .world
            .detail
            .as_ref()
            .map(|detail| detail.name.as_str());
        if self.ui.subject() != looked_at {
            self.world.look_at(self.ui.subject());
            let name = self.ui.subject().map(str::to_owned);
            self.one = name.map(|name| Follower::start(Arc::clone(&self.source), Some(name)));
        }
        effect
    }

    fn draw(&mut self, screen: &mut Screen) -> anyhow::Result<()> {
        let now = Instant::now();
        let mut seen = None;
        let drawn = screen.terminal.draw(|frame| {
            let buffer = frame.buffer_mut();
            seen = Some(view::draw(buffer, &self.world, &self.ui, &self.look, now));
        });
        drawn.context("cannot draw")?;
        if let Some(seen) = seen {
            self.ui.saw(seen);
        }
        self.stale = false;
        Ok(())
    }
}

/// Signals that end the view in an orderly way: the terminal is given back.
struct Signals([Signal; 3]);

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self([
            listen(SignalKind::terminate())?,
            listen(SignalKind::interrupt())?,
            listen(SignalKind::hangup())?,
        ]))
    }

    async fn any(&mut self) {
        let [terminate, interrupt, hangup] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
