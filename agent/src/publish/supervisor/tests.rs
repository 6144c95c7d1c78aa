use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::SystemTime;

use tokio::sync::mpsc;

use super::*;
use crate::model::{KernelState, PerSignal};
use crate::reload::{ReloadStatus, Request};

/// A service manager with a socket of the abstract namespace, and an agent that it supervises.
struct Stage {
    manager: UnixDatagram,
    states: watch::Sender<Arc<State>>,
    status: watch::Sender<ReloadStatus>,
    _requests: mpsc::Receiver<Request>,
    supervisor: Supervisor,
}

fn state(interval: Duration) -> Arc<State> {
    Arc::new(State {
        tick: 1,
        taken: SystemTime::UNIX_EPOCH,
        interval,
        window: Duration::from_secs(60),
        tick_duration: Duration::ZERO,
        pools: Vec::new(),
        incidents: Arc::new([]),
        incidents_started: PerSignal::default(),
        kernel: KernelState::unseen(),
    })
}

fn stage(name: &str, watchdog: Option<Duration>, interval: Duration) -> Stage {
    let name = format!("evenkeel-test-{name}-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let manager = UnixDatagram::bind_addr(&address).unwrap();
    let (states, receiver) = watch::channel(state(interval));
    let (reload, requests, status) = ReloadHandle::channel();
    let socket = Socket::open(format!("@{name}").as_ref()).unwrap();
    Stage {
        manager,
        states,
        status,
        _requests: requests,
        supervisor: Supervisor::new(Some(socket), watchdog, receiver, reload),
    }
}

/// The next message.
fn heard(manager: &UnixDatagram) -> String {
    within(manager, Duration::from_secs(20)).unwrap()
}

/// Whether there is no message for longer than the watchdogs here wait.
fn is_silent(manager: &UnixDatagram) -> bool {
    within(manager, Duration::from_millis(300)).is_none()
}

fn within(manager: &UnixDatagram, time: Duration) -> Option<String> {
    manager.set_read_timeout(Some(time)).unwrap();
    let mut message = [0; 1024];
    let length = manager.recv(&mut message).ok()?;
    Some(String::from_utf8(message[..length].to_vec()).unwrap())
}

#[test]
fn a_failed_reload_is_part_of_the_sentence_on_one_line() {
    let stage = stage("sentence", None, Duration::from_secs(1));
    stage.supervisor.ready();
    let expected = "READY=1\nSTATUS=Counting; no pools yet";
    assert_eq!(heard(&stage.manager), expected);

    stage.status.send_modify(|status| {
        status.error = Some("a.yaml:4:\tunknown key\n  the excerpt".to_owned());
    });
    stage.supervisor.ready();
    assert_eq!(
        heard(&stage.manager),
        format!(
            "{expected}; configuration not reloaded, the old one stays in force: a.yaml:4: unknown key"
        )
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn ticks_feed_the_watchdog_and_a_hung_tick_starves_it() {
    let interval = Duration::from_millis(10);
    let stage = stage("watchdog", Some(Duration::from_millis(100)), interval);
    let following = tokio::spawn(stage.supervisor.clone().follow());
    let mut signs = 0;
    while signs < 3 {
        stage.states.send_replace(state(interval));
        tokio::time::sleep(interval).await;
        if let Some(message) = within(&stage.manager, Duration::from_millis(1)) {
            assert_eq!(message, "WATCHDOG=1");
            signs += 1;
        }
    }
    assert!(is_silent(&stage.manager), "no tick, no sign of life");
    following.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_long_interval_asks_for_more_patience_once() {
    let interval = Duration::from_secs(60);
    let stage = stage("patience", Some(Duration::from_secs(30)), interval);
    let following = tokio::spawn(stage.supervisor.clone().follow());
    stage.states.send_replace(state(interval));
    assert_eq!(heard(&stage.manager), "WATCHDOG_USEC=300000000\nWATCHDOG=1");
    stage.states.send_replace(state(interval));
    assert!(is_silent(&stage.manager));
    following.abort();
}

#[tokio::test]
async fn without_a_service_manager_nothing_is_followed() {
    let Stage {
        states, supervisor, ..
    } = stage("nobody", None, Duration::from_secs(1));
    let alone = Supervisor {
        socket: None,
        ..supervisor
    };
    alone.ready();
    // It would wait for the next state otherwise.
    alone.follow().await;
    drop(states);
}
