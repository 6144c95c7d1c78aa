//! What a process that has given up its rights as the agent does can still do: this test's own program, started again, gives them
//! up by the same functions, and then tries what an intruder would.

use std::fs::File;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::process::Command;
use std::thread;

use evenkeel::config::Config;
use evenkeel::kernel::{Capabilities, Extent, Identity, Kernel, Options};
use evenkeel::privileges::{Kept, Loader, confine, give_up};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

const POOLS: &str = "pools: [{name: one, backends: [{address: 192.0.2.1:80}]}]\n";

/// How this program is told to be the one that is confined, and with which rights it began.
const INSIDE: &str = "EVENKEEL_TEST_INSIDE";

fn inside(began_with: &str) {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args(["--exact", "inside::an_intruder", "--ignored", "--nocapture"])
        .env(INSIDE, began_with)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[test]
fn nothing_can_be_done_from_inside() {
    inside("live");
    inside("walk");
}

#[test]
#[ignore = "started by nothing_can_be_done_from_inside, in a process of its own"]
fn an_intruder() {
    let walks = std::env::var(INSIDE).unwrap() == "walk";
    let began_with = if walks {
        Capabilities::effective().unwrap()
    } else {
        Capabilities::default()
    };
    let kept = Kept::of(&Config::parse("test", POOLS).unwrap(), began_with);
    assert_eq!(kept.enters_namespaces(), walks);
    // The harness has threads of its own, which keep their capabilities; they get the filter all the same.
    let confined = thread::spawn(move || {
        let loader = Loader::start().unwrap();
        give_up(&kept).unwrap();
        assert!(loader.run(|| Capabilities::effective().unwrap()).unwrap() != kept.capabilities());
        let error = confine(&kept).unwrap_err().to_string();
        assert!(
            error.contains("has rights that were to be given up"),
            "{error}"
        );
        attempts(walks);
        // New threads are no way out.
        thread::spawn(move || attempts(walks)).join().unwrap();
    });
    confined.join().unwrap();
}

#[track_caller]
fn refused<T>(outcome: io::Result<T>) {
    let error = outcome.err().map(|error| error.raw_os_error());
    assert_eq!(error, Some(Some(libc::EPERM)));
}

fn call(number: libc::c_long, arguments: [libc::c_long; 4]) -> io::Result<libc::c_long> {
    let [a, b, c, d] = arguments;
    // SAFETY: the calls below are refused before the kernel looks at their arguments, or have no pointers.
    let outcome = unsafe { libc::syscall(number, a, b, c, d) };
    if outcome < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(outcome)
}

/// Commands of `bpf(2)`.
const MAP_CREATE: libc::c_long = 0;
const PROG_LOAD: libc::c_long = 5;
const LINK_CREATE: libc::c_long = 28;

fn attempts(walks: bool) {
    // Programs.
    refused(Command::new("/bin/true").status());
    // The kernel: loading, also by what the agent itself loads with, and attaching.
    let options = Options {
        extent: Extent::Host,
        capacity: 16,
        learning: false,
        live_interval: std::time::Duration::from_secs(5),
    };
    Kernel::attach(Identity::Top, options, []).unwrap_err();
    for command in [MAP_CREATE, PROG_LOAD, LINK_CREATE] {
        refused(call(libc::SYS_bpf, [command, 0, 0, 0]));
    }
    for number in [
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_kexec_load,
        libc::SYS_perf_event_open,
        libc::SYS_io_uring_setup,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_open_by_handle_at,
        // Other processes.
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_getfd,
        libc::SYS_kill,
        // Rights, and the filter itself.
        libc::SYS_capset,
        libc::SYS_setuid,
        libc::SYS_seccomp,
        libc::SYS_keyctl,
        libc::SYS_reboot,
    ] {
        refused(call(number, [0; 4]));
    }
    // To init, though it is of the same user.
    refused(call(libc::SYS_tgkill, [1, 1, 0, 0]));
    // Namespaces: the networks of others with the right to alone, and no others.
    let network = File::open("/proc/self/ns/net").unwrap();
    let entered = move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network));
    assert_eq!(entered.is_ok(), walks, "{entered:?}");
    let mounts = File::open("/proc/self/ns/mnt").unwrap();
    let kind = Some(LinkNameSpaceType::Mount);
    refused(move_into_link_name_space(mounts.as_fd(), kind).map_err(io::Error::from));
    // SAFETY: it is refused.
    refused(unsafe { unshare_unsafe(UnshareFlags::NEWUSER) }.map_err(io::Error::from));
    let user = libc::c_long::from(libc::CLONE_NEWUSER | libc::SIGCHLD);
    refused(call(libc::SYS_clone, [user, 0, 0, 0]));
    assert_eq!(
        call(libc::SYS_clone3, [0; 4]).unwrap_err().raw_os_error(),
        Some(libc::ENOSYS)
    );
    // Sockets that see what others send.
    refused(call(
        libc::SYS_socket,
        [libc::AF_PACKET.into(), libc::SOCK_RAW.into(), 0, 0],
    ));
    // What the agent does all day is open.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    drop(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
    drop(tempfile::tempfile().unwrap());
}
