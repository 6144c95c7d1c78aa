//! Whole sessions with a trainee whose lines are written beforehand, for `cargo xtask test`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::UNSOLVED;

/// A short scenario.
const SCENARIO: &str = "quiet-rack";

/// A session: what is typed, how it ends, and what it must have told.
type Session = (&'static str, u8, &'static [&'static str]);

const SESSIONS: [Session; 2] = [
    (
        "hint\nrecommendations\n1\n3\ncart\n3\nnot in rotation\n",
        0,
        &[
            "Hint 1 of 3",
            "Not quite.",
            "Right!",
            "NGX-005",
            "1 hint, 1 wrong answer",
        ],
    ),
    (
        "cart\n",
        UNSOLVED,
        &["Where to look", "The input has ended", "--solve quiet-rack"],
    ),
];

/// Plays them; an error if one goes otherwise.
pub(crate) fn rehearse() -> Result<()> {
    for (typed, code, told) in SESSIONS {
        let text = play(typed, code)?;
        let missing = told.iter().find(|words| !text.contains(**words));
        ensure!(missing.is_none(), "{missing:?} is missing in:\n{text}");
    }
    Ok(())
}

/// What a session tells on standard output.
fn play(typed: &str, code: u8) -> Result<String> {
    let this = std::env::current_exe().context("this program has no file")?;
    let mut session = Command::new(this);
    session
        .args(["lab", SCENARIO])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut session = session.spawn().context("cannot start the lab")?;
    let mut stdin = session.stdin.take().context("the lab has no input")?;
    stdin.write_all(typed.as_bytes())?;
    drop(stdin);
    let output = session.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.code() == Some(code.into()),
        "after {typed:?} the lab ended with {} instead of {code}:\n{text}",
        output.status
    );
    Ok(text)
}
