//! The state in one sentence, as `systemctl status` shows it.

use crate::model::{PerVerdict, State, Verdict};
use crate::reload::ReloadStatus;

/// Pools that the sentence names.
const NAMED: usize = 3;

/// Pools by verdict, skewed ones by name; and whether the configuration in force is the one in the file.
pub(super) fn sentence(state: &State, reload: &ReloadStatus) -> String {
    let mut parts = vec![counted(state)];
    let skewed: Vec<&str> = state
        .pools
        .iter()
        .filter(|pool| pool.verdict == Verdict::Skewed)
        .map(|pool| pool.pool.spec.name.as_str())
        .collect();
    if !skewed.is_empty() {
        let named = skewed.iter().take(NAMED).copied().collect::<Vec<_>>();
        let more = skewed.len().saturating_sub(NAMED);
        let more = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        parts.push(format!("skewed: {}{more}", named.join(", ")));
    }
    if let Some(error) = &reload.error {
        // The first line has the place; all of it is in the log.
        let first = error.lines().next().unwrap_or_default();
        parts.push(format!(
            "configuration not reloaded, the old one stays in force: {first}"
        ));
    }
    // The protocol ends a value at the end of the line.
    parts.join("; ").replace(char::is_control, " ")
}

fn counted(state: &State) -> String {
    let mut verdicts = PerVerdict::<usize>::default();
    for pool in &state.pools {
        *verdicts.get_mut(pool.verdict) += 1;
    }
    let each: Vec<String> = Verdict::ALL
        .into_iter()
        .filter(|verdict| *verdicts.get(*verdict) > 0)
        .map(|verdict| format!("{} {verdict}", verdicts.get(verdict)))
        .collect();
    match state.pools.len() {
        0 => "Counting; no pools yet".to_owned(),
        1 => format!("Counting 1 pool: {}", each.join(", ")),
        pools => format!("Counting {pools} pools: {}", each.join(", ")),
    }
}
