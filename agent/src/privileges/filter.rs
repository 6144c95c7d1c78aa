//! Closing system calls to the whole process.
//!
//! What is open is listed ([`super::syscalls`]); all else fails as if the process had not the right to (`EPERM`), so that
//! what the list has too little of fails in the place that asks for it, and does not end the agent. `clone3` does not exist
//! (`ENOSYS`): its arguments cannot be looked at, and the C libraries fall back to `clone`, whose flags can.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
};

use super::syscalls::{LIMITED, Limit, OLDER, OPEN};
use super::{Kept, PrivilegesError};

/// `EPERM` and `ENOSYS` as the filter wants them.
const NOT_ALLOWED: u32 = 1;
const DOES_NOT_EXIST: u32 = 38;

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

/// Closes all system calls but those that the agent makes, to all threads of this process and for good.
///
/// # Errors
/// If the kernel has no filters, or this processor is not one that they can be made for.
pub fn close_system_calls(kept: &Kept) -> Result<(), PrivilegesError> {
    let failed = |error: &dyn std::error::Error| PrivilegesError::Filter(error.to_string());
    let open = rules(kept).map_err(|error| failed(&error))?;
    let missing = Rules::from([(libc::SYS_clone3, Vec::new())]);
    let not_allowed = (SeccompAction::Errno(NOT_ALLOWED), SeccompAction::Allow);
    let does_not_exist = (SeccompAction::Allow, SeccompAction::Errno(DOES_NOT_EXIST));
    // In this order: after the last one no filter can be set.
    for (rules, (others, listed)) in [(missing, does_not_exist), (open, not_allowed)] {
        let program = program(rules, others, listed).map_err(|error| failed(&error))?;
        apply_filter_all_threads(&program).map_err(|error| failed(&error))?;
    }
    Ok(())
}

fn program(
    rules: Rules,
    others: SeccompAction,
    listed: SeccompAction,
) -> Result<BpfProgram, BackendError> {
    let processor = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, others, listed, processor)?.try_into()
}

fn rules(kept: &Kept) -> Result<Rules, BackendError> {
    let open = OPEN.iter().chain(OLDER);
    let mut rules: Rules = open.map(|call| (*call, Vec::new())).collect();
    for (call, limits) in LIMITED {
        rules.insert(*call, one_of(limits)?);
    }
    let bpf = crate::kernel::STEADY_COMMANDS
        .map(|command| Limit::Is(0, u64::from(command.unsigned_abs())));
    rules.insert(libc::SYS_bpf, one_of(&bpf)?);
    let this_process = Limit::Is(0, u64::from(std::process::id()));
    rules.insert(libc::SYS_tgkill, one_of(&[this_process])?);
    if kept.enters_namespaces() {
        let network = Limit::Is(1, u64::from(libc::CLONE_NEWNET.unsigned_abs()));
        rules.insert(libc::SYS_setns, one_of(&[network])?);
    }
    Ok(rules)
}

/// Rules of which one must hold.
fn one_of(limits: &[Limit]) -> Result<Vec<SeccompRule>, BackendError> {
    limits.iter().map(rule).collect()
}

fn rule(limit: &Limit) -> Result<SeccompRule, BackendError> {
    let (argument, how, value) = match *limit {
        Limit::Is(argument, value) => (argument, SeccompCmpOp::Eq, value),
        Limit::None(argument, bits) => (argument, SeccompCmpOp::MaskedEq(bits), 0),
    };
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, how, value)?;
    SeccompRule::new(vec![condition])
}
