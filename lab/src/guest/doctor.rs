//! `evenkeel doctor`, as a user runs it.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::AGENT;
use crate::process::run;

/// What the doctor prints.
#[derive(Deserialize)]
pub(super) struct Diagnosis {
    can_count: bool,
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    check: String,
    grade: String,
    found: String,
    advice: Option<String>,
}

impl Diagnosis {
    /// Asks the doctor; an error if its exit code is not 0.
    pub(super) fn ask() -> Result<Self> {
        let printed = run(Command::new(AGENT).args(["doctor", "--output", "json"]))?;
        let diagnosis: Self = serde_json::from_str(&printed)
            .with_context(|| format!("the doctor printed no report:\n{printed}"))?;
        ensure!(
            diagnosis.can_count,
            "the doctor says that nothing can be counted:\n{printed}"
        );
        Ok(diagnosis)
    }

    /// An error unless exactly these checks are not as they should be.
    pub(super) fn limits_are(&self, expected: &[&str]) -> Result<()> {
        let limited: Vec<&Finding> = self
            .findings
            .iter()
            .filter(|finding| finding.grade != "ok")
            .collect();
        let names: Vec<&str> = limited
            .iter()
            .map(|finding| finding.check.as_str())
            .collect();
        let words = limited.iter().map(|finding| {
            let advice = finding.advice.as_deref().unwrap_or_default();
            format!("{}: {} -> {advice}", finding.check, finding.found)
        });
        let words = words.collect::<Vec<_>>().join("\n");
        ensure!(
            names == expected,
            "the doctor finds limits other than {expected:?}:\n{words}"
        );
        Ok(())
    }

    /// What was found in one check.
    pub(super) fn found(&self, check: &str) -> Result<&str> {
        let finding = self.findings.iter().find(|finding| finding.check == check);
        Ok(&finding
            .with_context(|| format!("the doctor does not look at {check}"))?
            .found)
    }

    /// An error unless everything is as it should be and nothing else counts.
    pub(super) fn is_clean(&self) -> Result<()> {
        self.limits_are(&[])?;
        let others = self.found("other programs")?;
        ensure!(others.starts_with("no other"), "other programs: {others}");
        Ok(())
    }
}
