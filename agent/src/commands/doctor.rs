//! `evenkeel doctor`: what this host offers, what is missing, and how to get it.

use std::io::Write;
use std::path::Path;

use serde::Serialize;

use super::exit;
use crate::config::Config;
use crate::kernel::{
    Attached, BYTES_PER_ENDPOINT, BYTES_PER_OPEN_CONNECTION, Capabilities, Capability, CgroupRoot,
    Identity, Kernel, KernelVersion, LoadError, OLDEST_KERNEL, Options, attached_programs,
    in_initial_pid_namespace,
};
use crate::model::{Canary, View};
use crate::privileges::Kept;

/// Endpoints of the map that is made for the trial.
const TRIAL_CAPACITY: u32 = 1024;

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Grade {
    /// As it should be.
    Ok,
    /// Counting works, something else does not.
    Limited,
    /// Nothing can be counted.
    Missing,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    grade: Grade,
    found: String,
    /// What to do about it, unless it is as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self {
            check,
            grade: Grade::Ok,
            found: found.into(),
            advice: None,
        }
    }

    fn not(check: &'static str, grade: Grade, found: impl Into<String>, advice: &str) -> Self {
        Self {
            check,
            grade,
            found: found.into(),
            advice: Some(advice.to_owned()),
        }
    }
}

/// Prints the findings; exit code 1 if nothing can be counted on this host.
pub(super) fn run(cgroup: Option<&Path>, json: bool, out: &mut dyn Write) -> anyhow::Result<u8> {
    let findings = examine(cgroup);
    let can_count = findings
        .iter()
        .all(|finding| finding.grade != Grade::Missing);
    if json {
        #[derive(Serialize)]
        struct Report<'a> {
            can_count: bool,
            findings: &'a [Finding],
        }
        serde_json::to_writer_pretty(
            &mut *out,
            &Report {
                can_count,
                findings: &findings,
            },
        )?;
        writeln!(out)?;
    } else {
        print(&findings, can_count, out)?;
    }
    Ok(if can_count { exit::FINE } else { exit::FAILED })
}

fn print(findings: &[Finding], can_count: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    for finding in findings {
        let sign = match finding.grade {
            Grade::Ok => "ok     ",
            Grade::Limited => "limited",
            Grade::Missing => "MISSING",
        };
        writeln!(out, "{sign}  {:<22} {}", finding.check, finding.found)?;
        if let Some(advice) = &finding.advice {
            writeln!(out, "{:>9}{:<22} -> {advice}", "", "")?;
        }
    }
    let limited = findings
        .iter()
        .any(|finding| finding.grade == Grade::Limited);
    let verdict = match (can_count, limited) {
        (true, false) => {
            "This host offers everything: `evenkeel run` will count and see open connections."
        }
        (true, true) => "`evenkeel run` will count on this host, with the limits above.",
        (false, _) => {
            "`evenkeel run` cannot count on this host until what is missing above is there."
        }
    };
    writeln!(out, "\n{verdict}")?;
    Ok(())
}

fn examine(cgroup: Option<&Path>) -> Vec<Finding> {
    let mut findings = vec![kernel(), types()];
    findings.extend(capabilities());
    findings.push(kept());
    findings.push(processes());
    match CgroupRoot::find(cgroup) {
        Ok(root) => {
            findings.push(Finding::ok(
                "cgroup v2 root",
                root.path.display().to_string(),
            ));
            findings.push(others(&root));
        }
        Err(error) => findings.push(Finding {
            check: "cgroup v2 root",
            grade: Grade::Missing,
            found: error.to_string(),
            advice: None,
        }),
    }
    findings.push(memory());
    findings.extend(trial(cgroup));
    findings
}

fn kernel() -> Finding {
    let check = "kernel";
    match KernelVersion::running() {
        Some(version) if version >= OLDEST_KERNEL => Finding::ok(
            check,
            format!("Linux {version} ({OLDEST_KERNEL} or later is needed)"),
        ),
        Some(version) => Finding::not(
            check,
            Grade::Missing,
            format!("Linux {version}"),
            &format!("evenkeel needs Linux {OLDEST_KERNEL} or later"),
        ),
        None => Finding::not(
            check,
            Grade::Limited,
            "a version that is not a number",
            &format!("make sure that it is Linux {OLDEST_KERNEL} or later"),
        ),
    }
}

fn types() -> Finding {
    let (check, path) = ("kernel types (BTF)", "/sys/kernel/btf/vmlinux");
    match std::fs::metadata(path) {
        Ok(file) => Finding::ok(check, format!("{path}, {} KiB", file.len() / 1024)),
        Err(error) => Finding::not(
            check,
            Grade::Limited,
            format!("{path}: {error}"),
            "without it bytes appear only when a connection closes: use a kernel with CONFIG_DEBUG_INFO_BTF=y, and \
             mount /sys",
        ),
    }
}

/// What is looked for, with what it means that it is not there.
const RIGHTS: [(Capability, Grade, &str); 5] = [
    (
        Capability::Bpf,
        Grade::Missing,
        "needed to load the program: run as root or grant it",
    ),
    (
        Capability::NetAdmin,
        Grade::Missing,
        "needed to load the program: run as root or grant it",
    ),
    (
        Capability::Perfmon,
        Grade::Limited,
        "needed to see the bytes of open connections",
    ),
    (
        Capability::SysAdmin,
        Grade::Limited,
        "needed to see open connections in other network namespaces, and to notice a second agent",
    ),
    (
        Capability::SysPtrace,
        Grade::Limited,
        "needed to find network namespaces and balancers by their processes",
    ),
];

fn capabilities() -> Vec<Finding> {
    let check = "capabilities";
    let held = match Capabilities::effective() {
        Ok(held) => held,
        Err(error) => {
            return vec![Finding::not(
                check,
                Grade::Limited,
                error.to_string(),
                "mount /proc",
            )];
        }
    };
    RIGHTS
        .into_iter()
        .map(|(capability, grade, advice)| {
            if held.has(capability) {
                Finding::ok(check, capability.as_str())
            } else {
                Finding::not(check, grade, format!("no {}", capability.as_str()), advice)
            }
        })
        .collect()
}

/// What the agent would keep of what this process has.
fn kept() -> Finding {
    let check = "kept after start";
    let held = Capabilities::effective().unwrap_or_default();
    let kept: Vec<&str> = Kept::of(&Config::default(), held)
        .reasons()
        .map(|(capability, _)| capability.as_str())
        .collect();
    if kept.is_empty() {
        Finding::ok(check, "no capability")
    } else {
        let kept = kept.join(", ");
        Finding::ok(
            check,
            format!("{kept} (without a configuration; docs/security.md)"),
        )
    }
}

fn processes() -> Finding {
    let check = "process namespace";
    if in_initial_pid_namespace() {
        Finding::ok(check, "the host's: all network namespaces can be found")
    } else {
        Finding::not(
            check,
            Grade::Limited,
            "a container's",
            "open connections in namespaces that are not visible from here are not checked: run with the host's PID \
             namespace (hostPID: true)",
        )
    }
}

fn others(root: &CgroupRoot) -> Finding {
    let check = "other programs";
    match attached_programs(root) {
        Ok(programs) if programs.is_empty() => {
            Finding::ok(check, "no other sock_ops program at the root")
        }
        Ok(programs) => {
            let list: Vec<String> = programs.iter().map(describe).collect();
            let agent = programs.iter().any(Attached::is_agent);
            let found = format!("{} at the root: {}", programs.len(), list.join(", "));
            if agent {
                Finding::not(
                    check,
                    Grade::Limited,
                    found,
                    "an agent counts already; a second one will not start",
                )
            } else {
                Finding::ok(check, format!("{found}; evenkeel leaves their flags alone"))
            }
        }
        Err(error) => Finding::not(
            check,
            Grade::Limited,
            error.to_string(),
            "grant CAP_NET_ADMIN",
        ),
    }
}

fn describe(program: &Attached) -> String {
    let name = program.name.as_deref().unwrap_or("(name not visible)");
    let holder = program
        .holder
        .map_or(String::new(), |pid| format!(", process {pid}"));
    format!("{name} (program {}{holder})", program.id)
}

fn memory() -> Finding {
    let endpoints = u64::from(crate::discovery::auto::MOST_ENDPOINTS);
    Finding::ok(
        "kernel memory",
        format!(
            "{BYTES_PER_ENDPOINT} bytes an endpoint ({} KiB for {endpoints}), {BYTES_PER_OPEN_CONNECTION} bytes a \
             long-lived connection to one",
            endpoints * BYTES_PER_ENDPOINT / 1024
        ),
    )
}

/// Attaches for a moment, and looks whether the hook counts.
fn trial(cgroup: Option<&Path>) -> Vec<Finding> {
    let check = "trial";
    let options = Options {
        extent: cgroup.map(Path::to_owned).into(),
        capacity: TRIAL_CAPACITY,
        learning: false,
        live_interval: std::time::Duration::from_secs(5),
    };
    let mut kernel = match Kernel::attach(Identity::Agent, options, []) {
        Ok(kernel) => kernel,
        Err(error @ LoadError::Second { .. }) => {
            let advice = "ask that agent: its /-/ready says whether it counts";
            return vec![Finding::not(
                check,
                Grade::Limited,
                error.to_string(),
                advice,
            )];
        }
        Err(error) => {
            let advice = "see the findings above";
            return vec![Finding::not(
                check,
                Grade::Missing,
                error.to_string(),
                advice,
            )];
        }
    };
    if let Err(error) = kernel.read(drop) {
        let advice = "this is unexpected: please report it";
        return vec![Finding::not(
            check,
            Grade::Missing,
            error.to_string(),
            advice,
        )];
    }
    vec![counted(&kernel.state().canary), view(&kernel.state().view)]
}

fn counted(canary: &Canary) -> Finding {
    let check = "trial: counting";
    match canary {
        Canary::Counted => Finding::ok(check, "a connection of this process to itself was counted"),
        Canary::Missed { reason } => Finding::not(
            check,
            Grade::Missing,
            reason,
            "see the cgroup v2 root above",
        ),
        Canary::Pending => Finding::not(
            check,
            Grade::Limited,
            "no connection was tried",
            "try again",
        ),
    }
}

fn view(view: &View) -> Finding {
    let check = "trial: open connections";
    match view {
        View::Live {
            took,
            namespaces,
            unreachable: 0,
            ..
        } => Finding::ok(
            check,
            format!("visited in {namespaces} network namespaces within {took:.1?}"),
        ),
        View::Live {
            namespaces,
            unreachable,
            ..
        } => Finding::not(
            check,
            Grade::Limited,
            format!(
                "visited in {namespaces} network namespaces, {unreachable} could not be entered"
            ),
            "grant CAP_SYS_ADMIN",
        ),
        View::AtClose { reason } => Finding::not(
            check,
            Grade::Limited,
            "bytes appear when a connection closes, connections older than the agent do not",
            reason,
        ),
    }
}
