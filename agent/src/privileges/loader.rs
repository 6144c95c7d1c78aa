//! The thread that keeps all rights for as long as loading takes.

use std::io;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

type Work = Box<dyn FnOnce() + Send>;

/// Does one piece of work with the rights that this process began with.
#[derive(Debug)]
pub enum Loader {
    /// On the calling thread, which gives nothing up.
    Here,
    /// On a thread that was started before the others gave up theirs, and ends when the work is done.
    Thread(Waiting),
}

/// A thread that waits for its work.
#[derive(Debug)]
pub struct Waiting {
    work: mpsc::Sender<Work>,
    thread: JoinHandle<()>,
}

impl Loader {
    /// Starts the thread. To be called before rights are given up.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn start() -> io::Result<Self> {
        let (sender, work) = mpsc::channel::<Work>();
        let thread = thread::Builder::new()
            .name("evenkeel-load".to_owned())
            .spawn(move || {
                // Nothing comes if the agent fails before it loads.
                if let Ok(work) = work.recv() {
                    work();
                }
            })?;
        Ok(Self::Thread(Waiting {
            work: sender,
            thread,
        }))
    }

    /// Does the work, and waits for it; the thread is gone afterwards.
    ///
    /// # Errors
    /// If the work panicked.
    pub fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        let Self::Thread(Waiting {
            work: sender,
            thread,
        }) = self
        else {
            return Ok(work());
        };
        let broken = || io::Error::other("the thread that loads the programs broke off");
        let (answer, outcome) = mpsc::channel();
        let work = move || drop(answer.send(work()));
        sender.send(Box::new(work)).map_err(|_gone| broken())?;
        thread.join().map_err(|_panic| broken())?;
        outcome.recv().map_err(|_gone| broken())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_on_another_thread_and_its_result_comes_back() {
        let here = thread::current().id();
        let there = Loader::start().unwrap().run(|| thread::current().id());
        assert_ne!(there.unwrap(), here);
        assert_eq!(Loader::Here.run(|| thread::current().id()).unwrap(), here);
        // One that is not used ends by itself.
        drop(Loader::start().unwrap());
    }
}
