//! The threads that carry out a plan.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, ensure};

use super::conversation::{Buffer, Connected, Conversation};
use super::{Failing, Orders, Plan, failing};
use crate::ledger::Ledger;
use crate::netns::Namespace;
use crate::pace::await_turn;

/// A plan under way. Dropping it stops it.
pub struct Traffic {
    stop: Arc<AtomicBool>,
    threads: Vec<(Arc<Book>, JoinHandle<Result<()>>)>,
    done: Ledger,
}

/// The ledger of one thread.
#[derive(Default)]
struct Book(Mutex<Ledger>);

impl Book {
    fn lock(&self) -> MutexGuard<'_, Ledger> {
        // Counts are whole after every statement, also after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Traffic {
    pub(super) fn start(plan: &Plan, sources: &[&Namespace]) -> Result<Self> {
        ensure!(
            !sources.is_empty(),
            "traffic needs a namespace to come from"
        );
        let mut traffic = Self {
            stop: Arc::default(),
            threads: Vec::new(),
            done: Ledger::default(),
        };
        let orders = Arc::new(Orders::new(plan));
        let began = Instant::now();
        for (number, source) in (0..plan.threads.max(1)).zip(sources.iter().cycle()) {
            let (orders, stop) = (Arc::clone(&orders), Arc::clone(&traffic.stop));
            traffic.spawn(source, move |book| {
                work(number, began, &orders, &stop, book)
            })?;
        }
        for (failing, source) in plan.failing.iter().copied().zip(sources.iter().cycle()) {
            let stop = Arc::clone(&traffic.stop);
            traffic.spawn(source, move |book| fail(&failing, &stop, book))?;
        }
        Ok(traffic)
    }

    /// What has happened so far. Bytes are booked when a connection ends.
    pub fn ledger(&self) -> Ledger {
        let mut ledger = self.done.clone();
        self.threads
            .iter()
            .for_each(|(book, _)| ledger.merge(&book.lock()));
        ledger
    }

    /// Waits for the plan's end.
    pub fn wait(mut self) -> Result<Ledger> {
        self.join()
    }

    /// Begins no further connection, waits for those under way, and returns what has happened.
    pub fn stop(mut self) -> Result<Ledger> {
        self.stop.store(true, Ordering::Relaxed);
        self.join()
    }

    fn spawn(
        &mut self,
        source: &Namespace,
        work: impl FnOnce(&Book) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let book = Arc::<Book>::default();
        let theirs = Arc::clone(&book);
        let builder = std::thread::Builder::new().name("lab-client".to_owned());
        // A thread begins in the namespace of the thread that starts it.
        let thread = source
            .enter(|| builder.spawn(move || work(&theirs)))?
            .context("cannot start a client's thread")?;
        self.threads.push((book, thread));
        Ok(())
    }

    fn join(&mut self) -> Result<Ledger> {
        let mut result = Ok(());
        for (book, thread) in self.threads.drain(..) {
            let ended = thread
                .join()
                .unwrap_or_else(|_panic| Err(anyhow!("a client's thread panicked")));
            self.done.merge(&book.lock());
            if ended.is_err() {
                // The others need not go on to report it.
                self.stop.store(true, Ordering::Relaxed);
                result = result.and(ended);
            }
        }
        result.map(|()| self.done.clone())
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Err(error) = self.join() {
            eprintln!("{error:#}");
        }
    }
}

/// Carries out every `threads`-th order, beginning with `number`.
fn work(
    number: usize,
    began: Instant,
    orders: &Orders,
    stop: &AtomicBool,
    book: &Book,
) -> Result<()> {
    let plan = &orders.plan;
    let mut buffer = Buffer::new();
    for index in (number as u64..plan.connections).step_by(plan.threads.max(1)) {
        if !await_turn(index, began, plan.per_second, stop) {
            break;
        }
        let order = orders
            .get(index)
            .context("the plan has no target or no way of closing")?;
        match Conversation::open(order.address, order.mapped)? {
            Connected::Failed(failed) => book.lock().tally(order.address).failed += failed,
            Connected::Open(conversation) => {
                book.lock().tally(order.address).opened += 1;
                let (sent, received, end) = conversation.carry_out(&order, &mut buffer)?;
                let mut ledger = book.lock();
                let tally = ledger.tally(order.address);
                tally.to_backend += sent;
                tally.from_backend += received;
                tally.closed += end;
            }
        }
    }
    Ok(())
}

fn fail(failing: &Failing, stop: &AtomicBool, book: &Book) -> Result<()> {
    let mut left = failing.count;
    while left > 0 && !stop.load(Ordering::Relaxed) {
        let (made, tally) = failing::attempt(failing, left)?;
        *book.lock().tally(failing.target) += tally;
        left -= made;
    }
    Ok(())
}
