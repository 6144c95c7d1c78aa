//! The terminal: taken when this begins, and given back as it was, however it ends.

use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write as _, stdout};
use std::panic;

use ratatui_core::layout::Rect;
use ratatui_core::terminal::Terminal;
use ratatui_crossterm::CrosstermBackend;
use ratatui_crossterm::crossterm::cursor::{Hide, Show};
use ratatui_crossterm::crossterm::event::{self, Event};
use ratatui_crossterm::crossterm::style::ResetColor;
use ratatui_crossterm::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui_crossterm::crossterm::{execute, queue};
use rustix::process::{Signal, getpid, kill_process};
use tokio::sync::mpsc;

/// Why nothing can be drawn.
#[derive(Debug, thiserror::Error)]
#[error("standard output is no terminal: use `--once` for a table, or `--once --output json`")]
pub(crate) struct NoTerminal;

/// The terminal, taken. Dropping it gives the terminal back.
pub(super) struct Screen {
    pub(super) terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl Screen {
    /// Takes the terminal; a panic gives it back before it is told.
    pub(super) fn take() -> anyhow::Result<Self> {
        if !stdout().is_terminal() {
            return Err(NoTerminal.into());
        }
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            restore();
            told(panic);
        }));
        enter()?;
        // From here on dropping this gives the terminal back.
        let screen = Terminal::new(CrosstermBackend::new(BufWriter::new(stdout())));
        screen
            .map(|terminal| Self { terminal })
            .inspect_err(|_| restore())
            .map_err(Into::into)
    }

    /// Gives the terminal back, stops until the shell continues this process, and takes it again.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        restore();
        kill_process(getpid(), Signal::TSTP)?;
        enter()?;
        self.redraw()
    }

    /// Draws the next frame on an empty screen. ([`Terminal::clear`] asks the terminal where its cursor is, and the answer
    /// would be taken for keys.)
    pub(super) fn redraw(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal
            .resize(Rect::new(0, 0, size.width, size.height))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, Hide).inspect_err(|_| restore())
}

/// Leaves nothing behind. A terminal that is gone needs no restoring.
fn restore() {
    let mut out = stdout();
    drop(queue!(out, ResetColor, LeaveAlternateScreen, Show).and_then(|()| out.flush()));
    drop(disable_raw_mode());
}

/// Keys and changes of size, read on a thread of their own, which ends with the terminal or with the process.
pub(super) fn events() -> io::Result<mpsc::Receiver<io::Result<Event>>> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::Builder::new()
        .name("evenkeel-keys".to_owned())
        .spawn(move || {
            loop {
                let event = event::read();
                let failed = event.is_err();
                if sender.blocking_send(event).is_err() || failed {
                    return;
                }
            }
        })?;
    Ok(receiver)
}
