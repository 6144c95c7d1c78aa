//! What there is to play, and what was played.

use std::fmt::Write as _;

use evenkeel_lab::training::SCENARIOS;

use super::score::Scores;

const WELCOME: &str = "\
The lab re-enacts incidents on this machine: a real balancer, real backends, real traffic,
all on the loopback interface, and the agent beside it. You hear what on-call hears, look
with the page, `top` and `audit`, and say which pool it is, which backends, and why.
Everything that is started ends with the session.

  cargo xtask lab NAME           play one (needs root)
  cargo xtask lab --solve NAME   watch the agent solve it
  cargo xtask lab --list         what there is
  cargo xtask lab --score        what you have solved

";

/// What the lab is, and the list.
pub(super) fn welcome(scores: &Scores) -> String {
    format!("{WELCOME}{}", list(scores))
}

/// Each scenario with whether it was solved.
pub(super) fn list(scores: &Scores) -> String {
    let mut text = String::new();
    for scenario in SCENARIOS {
        let state = match scores.of(scenario) {
            (0, _) => "",
            (_, None) => "tried",
            (_, Some(_)) => "solved",
        };
        let line = format!(
            "{:16} {:7} {:32} {state}",
            scenario.name,
            scenario.level.as_str(),
            scenario.title
        );
        // A `String` takes whatever is written to it.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// What each scenario has brought at best, and the sum.
pub(super) fn score(scores: &Scores) -> String {
    let mut text = format!(
        "{:16} {:>6} {:>7} {:>6} {:>6} {:>6}\n",
        "scenario", "points", "time", "hints", "wrong", "played"
    );
    let (mut sum, mut solved) = (0, 0);
    for scenario in SCENARIOS {
        let (played, best) = scores.of(scenario);
        let _ = match best {
            Some(best) => {
                let points = best.points(scenario.level);
                (sum, solved) = (sum + points, solved + 1);
                let time = format!("{}:{:02}", best.seconds / 60, best.seconds % 60);
                let (hints, wrong) = (best.hints, best.wrong);
                writeln!(
                    text,
                    "{:16} {points:6} {time:>7} {hints:6} {wrong:6} {played:6}",
                    scenario.name
                )
            }
            None => writeln!(
                text,
                "{:16} {:>6} {:>7} {:>6} {:>6} {played:6}",
                scenario.name, "-", "-", "-", "-"
            ),
        };
    }
    let _ = writeln!(
        text,
        "\n{solved} of {} solved, {sum} points",
        SCENARIOS.len()
    );
    text
}

#[cfg(test)]
mod tests {
    use evenkeel_lab::training::ANSWERS;

    use super::*;

    #[test]
    fn lists_name_every_scenario_and_give_nothing_away() {
        let scores = Scores::default();
        for text in [list(&scores), score(&scores), welcome(&scores)] {
            for scenario in SCENARIOS {
                assert!(text.contains(scenario.name), "{text}");
            }
            for answer in ANSWERS {
                assert!(
                    !text.contains(&format!(" {} ", answer.id)),
                    "{}: {text}",
                    answer.id
                );
            }
        }
    }
}
