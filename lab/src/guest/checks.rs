//! The checks, one after the other: each builds on those before.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::bed::{Bed, close_all, settles};
use super::console::check;
use super::doctor::Diagnosis;
use super::report::Check;
use super::truth::Truth;
use super::watched::{in_words, leaves, status};
use super::{configured, loaded, system};
use crate::agent::Agent;
use crate::wait::wait_for;

/// Connections of each family where one thing differs from what [`configured`] checks.
const SOME: u64 = 200;

/// Makes all checks; an error if one fails, of which the host is told by then.
pub(super) fn all() -> Result<()> {
    check(Check::Doctor, |note| {
        let diagnosis = Diagnosis::ask()?;
        diagnosis.found("trial: open connections")?.clone_into(note);
        diagnosis.is_clean()
    })?;
    let bed = Bed::start()?;
    configured::checks(&bed)?;
    learning(&bed)?;
    check(Check::AtClose, |note| {
        system::hide_kernel_types()?;
        *note = without_types(&bed)?;
        Ok(())
    })?;
    check(Check::Untainted, |note| {
        "no warning".clone_into(note);
        let flags =
            std::fs::read_to_string("/proc/sys/kernel/tainted").context("/proc is not mounted")?;
        ensure!(
            flags.trim() == "0",
            "the kernel is tainted ({}): it warned of something",
            flags.trim()
        );
        Ok(())
    })
}

/// An agent without pools learns them; it is killed in the end, and the next one finds nothing of it.
fn learning(bed: &Bed) -> Result<()> {
    let mut agent = check(Check::Learned, |note| {
        let agent = bed.agent_with("interval: 250ms\n")?;
        let mut truth = Truth::default();
        truth.add(&bed.traffic(SOME)?);
        let mut missing = 0;
        for (port, truth) in truth.by_port() {
            let name = format!("auto:{port}@lo");
            missing += settles_in_auto(&agent, &name, &truth)?;
        }
        *note = in_words(&truth.total(), missing);
        Ok(agent)
    })?;
    check(Check::Killed, |note| {
        "nothing left in the kernel, the doctor finds no other agent".clone_into(note);
        agent.process().kill()?;
        loaded::none()?;
        Diagnosis::ask()?.is_clean()
    })
}

/// Waits for a pool that is not there from the beginning.
fn settles_in_auto(agent: &Agent, pool: &str, truth: &Truth) -> Result<u64> {
    wait_for(Duration::from_secs(10), &format!("pool {pool}"), || {
        let found = agent.get(&format!("/api/v1/pools/{pool}"))?.status == 200;
        Ok(found.then_some(()))
    })?;
    truth.judge(&agent.wait_pool(pool, |pool| truth.judge(pool).map(drop))?)
}

/// An agent that cannot see the kernel's types, and says so.
fn without_types(bed: &Bed) -> Result<String> {
    Diagnosis::ask()?.limits_are(&["kernel types (BTF)", "trial: open connections"])?;

    let mut agent = bed.agent()?;
    loaded::are(&[loaded::HOOK])?;
    let status = status(&agent)?;
    let view = status
        .pointer("/kernel/view/kind")
        .and_then(serde_json::Value::as_str);
    ensure!(view == Some("at_close"), "the view in force is {view:?}");

    let mut long_lived = bed.long_lived()?;
    long_lived.exchange(3_000)?;
    close_all(&mut long_lived)?;
    let mut truth = Truth::default();
    truth.add(&long_lived.ledger());
    truth.add(&bed.traffic(SOME)?);
    let words = in_words(&truth.total(), settles(&agent, &truth)?);
    leaves(&mut agent)?;
    Ok(words)
}
