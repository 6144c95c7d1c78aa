//! What HAProxy 2.6.12 answered for backends to which much was done at run time.

use super::*;
use crate::admin::haproxy::Operation;

const INFO: &str = include_str!("info.txt");
const SERVERS_TEXT: &str = include_str!("servers.txt");
const STATISTICS_TEXT: &str = include_str!("stat.csv");

fn state() -> State {
    State::parse(Info::parse(INFO).unwrap(), SERVERS_TEXT, STATISTICS_TEXT).unwrap()
}

#[test]
fn the_process_and_its_proxies_are_told() {
    let state = state();
    assert_eq!(state.info.version, "2.6.12-1+deb12u4");
    assert_eq!((state.info.pid, state.info.uptime.as_secs()), (11162, 1));
    let told: Vec<_> = state
        .proxies
        .iter()
        .map(|proxy| {
            let (mode, algorithm) = (proxy.mode.as_deref(), proxy.algorithm.as_deref());
            (proxy.name.as_str(), mode, algorithm, proxy.servers.len())
        })
        .collect();
    let (http, turn) = (Some("http"), Some("roundrobin"));
    let expected = [
        ("shop", http, turn, 9),
        ("shop2", http, turn, 1),
        ("off", None, None, 1),
    ];
    assert_eq!(told, expected);
}

#[test]
fn weights_of_the_file_and_of_now_are_told_apart() {
    let state = state();
    let weights = |name| {
        let server = state.server("shop", name).unwrap();
        let effective = server.statistics.as_ref().unwrap().effective_weight;
        (server.file_weight, server.weight, effective)
    };
    assert_eq!(weights("a"), (5, 2, Some(2)), "set weight shop/a 50%");
    assert_eq!(weights("e"), (0, 0, Some(0)));
    assert_eq!(weights("dyn"), (3, 3, Some(3)));
    assert!(!state.server("shop", "e").unwrap().is_in_rotation());
}

#[test]
fn reasons_not_to_be_used_are_told_apart() {
    let state = state();
    let server = |name| state.server("shop", name).unwrap();
    let (by_file, by_hand) = (server("c").admin, server("t1").admin);
    assert!(by_file.is_maintenance() && by_file.is_disabled_by_file());
    assert!(by_hand.is_maintenance() && !by_hand.is_disabled_by_file());
    assert!(server("f").admin.is_drain() && !server("f").admin.is_maintenance());
    assert_eq!(server("b").operation, Operation::Stopped);
    let told = server("b").statistics.as_ref().unwrap();
    assert_eq!(told.tracks.as_deref(), Some("shop2/x"));
    let checked = state.server("shop2", "x").unwrap();
    let told = checked.statistics.as_ref().unwrap();
    assert_eq!(told.check.as_deref(), Some("L4CON: Connection refused"));
    let rotation: Vec<_> = state.proxies[0]
        .servers
        .iter()
        .filter(|server| server.is_in_rotation() && !server.is_backup())
        .map(|server| server.name.as_str())
        .collect();
    assert_eq!(rotation, ["a", "t2", "dyn"]);
}

#[test]
fn addresses_are_those_of_now() {
    let state = state();
    let address = |name| state.server("shop", name).unwrap().address;
    let at = |text: &str| Some(text.parse().unwrap());
    assert_eq!(address("d"), at("192.0.2.44:99"), "set server shop/d addr");
    assert_eq!(address("e"), at("[2001:db8::1]:80"));
    assert_eq!(address("c"), None, "a Unix domain socket");
    assert_eq!(address("f"), at("127.0.0.1:80"));
    let host = state.server("shop", "f").unwrap().host.as_deref();
    assert_eq!(host, Some("localhost"));
    assert!(state.server("off", "y").unwrap().statistics.is_none());
}

/// Columns that come first, come last or are new change nothing.
#[test]
fn columns_are_found_by_name() {
    let turned = |text: &str| -> String {
        let line = |(index, line): (usize, &str)| {
            let mut fields: Vec<_> = line.trim_start_matches("# ").split(',').collect();
            fields.reverse();
            let new = if index == 0 { "# new" } else { "7" };
            format!("{new},{}\n", fields.join(","))
        };
        text.lines().enumerate().map(line).collect()
    };
    let (info, other) = (Info::parse(INFO).unwrap(), turned(STATISTICS_TEXT));
    assert_eq!(State::parse(info, SERVERS_TEXT, &other).unwrap(), state());
}

#[test]
fn what_another_program_answers_is_refused() {
    let error = Info::parse("HTTP/1.1 400 Bad Request\r\n\r\n").unwrap_err();
    let message = error.to_string();
    assert!(message.contains("is it HAProxy?"), "{message}");
    // A column that every version has.
    let wrong = SERVERS_TEXT.replace("srv_uweight", "else");
    let error = State::parse(Info::parse(INFO).unwrap(), &wrong, STATISTICS_TEXT);
    let message = error.unwrap_err().to_string();
    assert!(message.contains("a row has no srv_uweight"), "{message}");
}

proptest::proptest! {
    /// Whatever answers, there is a state or an error.
    #[test]
    fn any_answer_gives_a_state_or_an_error(servers in ".{0,200}", lines in "[#\", 0-9a-z\n]{0,200}") {
        let info = || Info::parse(INFO).unwrap();
        let _ = Info::parse(&servers);
        let _ = State::parse(info(), &servers, &lines);
        let _ = State::parse(info(), &format!("1\n# {lines}"), STATISTICS_TEXT);
        let _ = State::parse(info(), SERVERS_TEXT, &format!("# {lines}"));
    }
}
