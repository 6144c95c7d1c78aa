//! Sessions with a trainee whose lines are written beforehand.

use evenkeel_lab::training::scenario;

use super::*;

/// Says one line after the other.
struct Script(std::vec::IntoIter<&'static str>, Said);

impl Trainee for Script {
    fn listen(&mut self) -> Result<Said> {
        let line = self.0.next().map(|line| Said::Line(line.to_owned()));
        Ok(line.unwrap_or_else(|| self.1.clone()))
    }
}

fn addresses() -> Vec<SocketAddr> {
    (11..16)
        .map(|last| SocketAddr::from(([127, 1, 1, last], 8080)))
        .collect()
}

/// What came of a session about a scenario whose backends get these parts of their shares.
fn session(
    name: &str,
    culprits: &[usize],
    truth: [f64; 5],
    lines: &[&'static str],
) -> (Report, String) {
    let scenario = scenario(name).unwrap();
    let all = addresses();
    let truth: Vec<_> = all.iter().copied().zip(truth).collect();
    let desk = Desk {
        scenario,
        pools: vec![
            ("recommendations", vec![([127, 1, 2, 11], 8080).into()]),
            (scenario.pool, all.clone()),
        ],
        culprits: culprits.iter().map(|place| all[*place]).collect(),
        truth: Box::new(move || truth.clone()),
        places: "the page is there\n".to_owned(),
        paper: Paper::new(false),
    };
    let mut out = Vec::new();
    let mut script = Script(Vec::from(lines).into_iter(), Said::Nothing);
    let report = desk.talk(&mut script, &mut out).unwrap();
    (report, String::from_utf8(out).unwrap())
}

fn warm(lines: &[&'static str]) -> (Report, String) {
    session("warm-machine", &[3], [0.71, 0.71, 0.71, 2.14, 0.71], lines)
}

fn report(ending: Ending, hints: usize, wrong: usize) -> Report {
    Report {
        ending,
        hints,
        wrong,
    }
}

#[test]
fn the_right_answer_ends_it() {
    let (told, text) = warm(&["search", "4", "weights_differ"]);
    assert_eq!(told, report(Ending::Solved, 0, 0));
    assert!(text.contains("Right!"), "{text}");
    // The others get too little, all of them: the same seen from below.
    let (told, _) = warm(&["search", "1 2 3 5", "3"]);
    assert_eq!(told.ending, Ending::Solved);
}

#[test]
fn a_wrong_answer_is_told_what_is_wrong_and_why() {
    let (told, text) = warm(&[
        "recommendations",
        "1",
        "3",
        "search",
        "1",
        "slow backend",
        "search",
        "4",
        "3",
    ]);
    assert_eq!(told, report(Ending::Solved, 0, 2));
    assert!(
        text.contains("The pool recommendations: each of its backends has its share"),
        "{text}"
    );
    assert!(text.contains("The pool search: right."), "{text}");
    assert!(text.contains("not all of them"), "{text}");
    assert!(text.contains("new connections would be even"), "{text}");

    let (_, text) = session(
        "quiet-rack",
        &[2],
        [1.02, 1.33, 0.0, 1.33, 1.33],
        &["cart", "3 1", "2"],
    );
    assert!(
        text.contains("127.1.1.11:8080 is not one of them: it gets 1.02 times"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_meant_is_asked_again() {
    let (told, text) = warm(&[
        "",
        "basket",
        "search",
        "9",
        "nine",
        "4",
        "dns",
        "weights differ",
    ]);
    assert_eq!(told, report(Ending::Solved, 0, 0));
    for word in ["basket", "9", "nine", "dns"] {
        assert!(text.contains(&format!("{word:?}")), "{word}: {text}");
    }
}

#[test]
fn hints_come_one_after_the_other_and_are_counted() {
    let (told, text) = warm(&[
        "hint", "hint", "look", "hint", "hint", "search", "hint", "4", "3",
    ]);
    assert_eq!(told, report(Ending::Solved, 3, 0));
    assert!(
        text.contains("Hint 3 of 3") && text.contains("no more hints"),
        "{text}"
    );
    assert!(text.contains("the page is there"), "{text}");
}

#[test]
fn every_way_out_is_known() {
    assert_eq!(warm(&["give up"]).0, report(Ending::GivenUp, 0, 0));
    assert_eq!(
        warm(&["search", "hint", "quit"]).0,
        report(Ending::Quit, 1, 0)
    );
    assert_eq!(warm(&["search", "4"]).0, report(Ending::EndOfInput, 0, 0));
    assert_eq!(warm(&[]).0, report(Ending::EndOfInput, 0, 0));
}

#[test]
fn even_traffic_is_an_answer() {
    let (told, text) = session(
        "usual-suspect",
        &[],
        [1.0; 5],
        &["account", "1", "slow_backend", "none"],
    );
    assert_eq!(told, report(Ending::Solved, 0, 1));
    assert!(
        text.contains("each of its backends has its share"),
        "{text}"
    );
    let (told, text) = warm(&["none", "quit"]);
    assert_eq!(told, report(Ending::Quit, 0, 1));
    assert!(text.contains("There is a pool whose backends"), "{text}");
}
