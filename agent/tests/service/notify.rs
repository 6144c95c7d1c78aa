//! A service manager is told when the agent counts, reloads, hangs and stops.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::{Duration, Instant};

use evenkeel_lab::agent::Agent;
use evenkeel_lab::netns::Namespace;
use rustix::process::Signal;
use rustix::time::{ClockId, clock_gettime};

use crate::{EVENKEEL, alone, config, pool};

/// How long the service manager of these tests waits for a sign of life.
const WATCHDOG: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(20);

/// The socket of a service manager.
struct Manager {
    socket: UnixDatagram,
    folder: tempfile::TempDir,
}

impl Manager {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        Self { socket, folder }
    }

    fn start(&self, config: &str) -> Agent {
        let mut command = Command::new(EVENKEEL);
        command
            .arg("run")
            .env("NOTIFY_SOCKET", self.folder.path().join("notify"))
            .env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
        Agent::launch_by(command, &Namespace::current(), config).unwrap()
    }

    fn hear(&self, within: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(within)).unwrap();
        let mut message = [0; 4096];
        let length = self.socket.recv(&mut message).ok()?;
        Some(String::from_utf8(message[..length].to_vec()).unwrap())
    }

    /// The next message, signs of life apart.
    fn expect(&self, start: &str) -> String {
        let began = Instant::now();
        while let Some(left) = PATIENCE.checked_sub(began.elapsed()) {
            match self.hear(left) {
                Some(message) if message.starts_with(start) => return message,
                Some(message) => assert!(message.starts_with("WATCHDOG=1"), "{message}"),
                None => break,
            }
        }
        panic!("waited in vain for {start}");
    }
}

/// Now, as the service manager measures it.
fn monotonic_micros() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

fn one_pool() -> String {
    config(&[pool("one", "upstream", ["192.0.2.1:80".parse().unwrap()])])
}

#[test]
fn it_is_ready_once_it_counts_and_tells_of_reloads_and_its_end() {
    let _alone = alone();
    let manager = Manager::new();
    let mut agent = manager.start(&one_pool());
    let ready = manager.expect("READY=1\n");
    assert_eq!(ready, "READY=1\nSTATUS=Counting 1 pool: 1 unknown");
    assert_eq!(agent.get("/-/healthy").unwrap().status, 200);
    assert!(agent.pool("one").is_ok());

    let before = monotonic_micros();
    agent.reconfigure(&one_pool()).unwrap();
    let reloading = manager.expect("RELOADING=1\nMONOTONIC_USEC=");
    let (_, at) = reloading.rsplit_once('=').unwrap();
    let at: i64 = at.parse().unwrap();
    assert!((before..=monotonic_micros()).contains(&at), "{reloading}");
    assert_eq!(manager.expect("READY=1\n"), ready);

    agent.reconfigure("pools: 1\n").unwrap();
    manager.expect("RELOADING=1\n");
    let failed = manager.expect("READY=1\n");
    assert!(
        failed.contains("1 unknown; configuration not reloaded, the old one stays in force: "),
        "{failed}"
    );
    assert!(failed.contains("evenkeel.yaml:2:"), "the place: {failed}");
    assert_eq!(failed.lines().count(), 2, "{failed}");

    agent.process().signal(Signal::TERM).unwrap();
    manager.expect("STOPPING=1\n");
    assert!(agent.process().wait(PATIENCE).unwrap().success());
}

#[test]
fn a_tick_that_hangs_starves_the_watchdog_while_the_rest_goes_on() {
    let _alone = alone();
    let manager = Manager::new();
    let mut agent = manager.start(&one_pool());
    manager.expect("READY=1\n");
    manager.expect("WATCHDOG=1");
    let began = Instant::now();
    manager.expect("WATCHDOG=1");
    assert!(began.elapsed() < WATCHDOG / 2, "{:?}", began.elapsed());

    let held = Held::thread(agent.process().pid(), "evenkeel-tick");
    // What was sent before it was held.
    while manager.hear(Duration::from_millis(100)).is_some() {}
    assert_eq!(manager.hear(WATCHDOG), None);
    assert!(agent.get("/metrics").is_ok(), "the server does not hang");
    drop(held);
    manager.expect("WATCHDOG=1");
}

#[test]
fn a_socket_that_cannot_be_used_does_not_keep_it_from_counting() {
    let _alone = alone();
    let mut command = Command::new(EVENKEEL);
    command.arg("run").env("NOTIFY_SOCKET", "vsock:2:1234");
    let agent = Agent::launch_by(command, &Namespace::current(), &one_pool()).unwrap();
    assert!(agent.pool("one").is_ok());
    let log = agent.log();
    assert!(log.contains("NOTIFY_SOCKET is \"vsock:2:1234\""), "{log}");
}

/// One thread of a process, stopped as by a debugger; it goes on when this is dropped, by the thread that made it.
struct Held(libc::pid_t);

impl Held {
    fn thread(pid: u32, name: &str) -> Self {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let named = threads.map(|entry| entry.unwrap().path()).find(|thread| {
            fs::read_to_string(thread.join("comm")).is_ok_and(|comm| comm.trim_end() == name)
        });
        let thread = named.unwrap().file_name().unwrap().to_owned();
        let thread: libc::pid_t = thread.to_str().unwrap().parse().unwrap();
        request(libc::PTRACE_SEIZE, thread);
        request(libc::PTRACE_INTERRUPT, thread);
        let mut status = 0;
        // SAFETY: `status` outlives the call, which writes it.
        let waited = unsafe { libc::waitpid(thread, &raw mut status, libc::__WALL) };
        assert_eq!(waited, thread);
        Self(thread)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        request(libc::PTRACE_DETACH, self.0);
    }
}

fn request(request: libc::c_uint, thread: libc::pid_t) {
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: these requests take no address and no data; they touch the traced thread alone.
    let outcome = unsafe { libc::ptrace(request, thread, none, none) };
    assert_eq!(outcome, 0, "{}", std::io::Error::last_os_error());
}
