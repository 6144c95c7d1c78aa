//! Made-up pools to look at, with an hour behind them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use evenkeel::model::{
    Cause, CauseId, Incident, PoolState, Role, Side, Signal, Source, State, Verdict, rfc3339,
};

use crate::findings::{incident, judge};
use crate::fixtures::{Member, pool, state};
use crate::http::{Running, wait_for};

/// Of the hour before: when the weights went wrong.
const ONSET: u64 = 14 * 60;

/// A pool of five, of which one has been given eight times its weight `minutes` ago, if at all.
fn checkout(hot: u64) -> PoolState {
    let opened = [212, 205, 208, 210 * hot, 199];
    let members = opened.iter().zip(11..).map(|(opened, host): (&u64, u32)| {
        let mut member = Member::new(&format!("198.51.100.{host}:8080"), *opened, opened / 9);
        member.labels = vec![
            ("version", if host == 14 { "v13" } else { "v12" }),
            ("zone", if host < 14 { "a" } else { "b" }),
        ];
        member.counters.retransmits = opened / 90;
        member
    });
    let mut members: Vec<Member> = members.collect();
    members[3].counters.failed = if hot > 1 { 12 } else { 0 };
    members[3].counters.handshake_micros *= if hot > 1 { 9 } else { 1 };
    let mut pool = pool("checkout", Role::Upstream, Source::Config, &members);
    let verdict = if hot > 1 {
        Verdict::Skewed
    } else {
        Verdict::Even
    };
    for signal in [Signal::Opened, Signal::Active] {
        judge(&mut pool, signal, verdict);
    }
    judge(&mut pool, Signal::Failed, Verdict::Even);
    pool.verdict = verdict;
    pool.detection_time = Some(Duration::from_secs(9));
    pool.dispersion = 1.18;
    if hot > 1 {
        for (place, side) in [Side::Cold, Side::Cold, Side::Cold, Side::Hot, Side::Cold]
            .into_iter()
            .enumerate()
        {
            pool.backends[place].skewed.opened = Some(side);
            pool.backends[place].skewed.active = Some(side);
        }
    }
    pool
}

fn quiet(name: &str, role: Role, backends: u16, verdict: Verdict, rate: u64) -> PoolState {
    let members: Vec<Member> = (0..backends)
        .map(|place| {
            // A little uneven, as chance is.
            let noise = (u64::from(place) * 7919 % 23) * rate / 260;
            Member::new(
                &format!("203.0.113.{}:443", place + 10),
                rate + noise,
                (rate + noise) / 4,
            )
        })
        .collect();
    let mut pool = pool(name, role, Source::Config, &members);
    judge(&mut pool, Signal::Opened, verdict);
    pool.verdict = verdict;
    pool
}

fn cause() -> Incident {
    let hot = [("198.51.100.14:8080", 0.671, 0.2)];
    let mut one = incident("20261122090004-5f0c2e91", Signal::Opened, &hot);
    let cold = [
        ("198.51.100.15:8080", 0.079, 0.2),
        ("198.51.100.12:8080", 0.082, 0.2),
    ];
    one.cold = incident("", Signal::Opened, &cold).hot;
    one.cause = Cause {
        id: CauseId::WeightsDiffer,
        text: "The shares fit the weights 1, 1, 1, 8, 1 and not the equal weights of the configuration: compare \
               the balancer's weights with those here."
            .to_owned(),
        findings: Vec::new(),
    };
    one.other_causes = vec![Cause {
        id: CauseId::BetweenGroups,
        text: "97 % of the skew lies between values of the label version: v13 gets 67 %, v12 the rest.".to_owned(),
        findings: Vec::new(),
    }];
    one.evidence = 31.2;
    one.peak_max_to_mean = 3.41;
    one
}

/// All pools as they are `seconds` before `now`.
fn pools(seconds: u64) -> Vec<PoolState> {
    let mut suspect = quiet("team-b/basket", Role::Upstream, 6, Verdict::Suspect, 140);
    suspect.dispersion = 1.4;
    vec![
        checkout(if seconds < ONSET { 8 } else { 1 }),
        quiet("login", Role::Upstream, 3, Verdict::Even, 320),
        quiet("mail-out", Role::Upstream, 2, Verdict::Unknown, 2),
        quiet("search", Role::Local, 12, Verdict::Even, 420),
        suspect,
        quiet("team-b/images", Role::Upstream, 18, Verdict::Even, 260),
        quiet("team-c/payments", Role::Upstream, 4, Verdict::Even, 90),
    ]
}

/// The state at a moment, `seconds` before the last.
fn moment(last: SystemTime, seconds: u64) -> State {
    let mut now = state(pools(seconds));
    now.tick = 7200 - seconds;
    now.taken = last - Duration::from_secs(seconds);
    now.kernel.losses = evenkeel::model::Losses::default();
    if seconds < ONSET {
        let mut one = cause();
        one.started = last - Duration::from_secs(ONSET);
        one.detected = last - Duration::from_secs(ONSET - 8);
        now.incidents = [Arc::new(one)].into();
    }
    now
}

/// Chance, which lines without it would lack: from -0.5 to 0.5, the same each time.
fn noise(point: usize, backend: usize) -> f64 {
    let mut bits = (point * 8 + backend) as u64 ^ 0x9e37_79b9_7f4a_7c15;
    for _ in 0..3 {
        bits = (bits ^ bits >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    (bits >> 40) as f64 / f64::from(1 << 24) - 0.5
}

/// The shares of `now`, `seconds` after the onset: the window holds both what was before and what came since.
fn blend(now: &mut PoolState, before: &PoolState, seconds: u64, point: usize) {
    let part = (seconds as f64 / 60.0).min(1.0);
    for (backend, state) in now.backends.iter_mut().enumerate() {
        let old = before.backends[backend].shares;
        let chance = 1.0 + noise(point, backend) * 0.12;
        for signal in [Signal::Opened, Signal::Active] {
            let share = state.shares.get_mut(signal);
            let mixed = share
                .zip(*old.get(signal))
                .map(|(new, old)| part * new + (1.0 - part) * old);
            *share = mixed.map(|share| share * chance);
        }
    }
}

/// Publishes a state and waits until it is part of the last hour.
fn take(server: &Running, state: State) {
    let pool = state.pools[0].pool.spec.name.clone();
    let taken = rfc3339(state.taken).to_string();
    server.states.send_replace(Arc::new(state));
    wait_for("the point of the last hour", || {
        let history = server.get(&format!("/api/v1/pools/{pool}/history"));
        history.body.contains(&taken).then_some(())
    });
}

/// A server that has seen the hour, and its last state.
pub(crate) fn outage() -> (Running, State) {
    let last = SystemTime::now();
    let server = Running::start(moment(last, 3600));
    let before = checkout(1);
    for (point, seconds) in (0..=3590).rev().step_by(10).enumerate() {
        let mut now = moment(last, seconds);
        blend(
            &mut now.pools[0],
            &before,
            ONSET.saturating_sub(seconds),
            point,
        );
        take(&server, now);
    }
    let now = moment(last, 0);
    server.states.send_replace(Arc::new(now.clone()));
    (server, now)
}
