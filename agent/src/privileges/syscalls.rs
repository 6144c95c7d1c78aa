//! The system calls that the agent makes once it counts.
//!
//! More than one C library makes: musl's, glibc's of today and of ten years from now, and what that loads to resolve names.
//! Grouped by what they are for, so that what is missing is seen: there is none here that starts a program, looks into another
//! process, mounts, loads into the kernel, changes users or owners, makes namespaces, or opens a way around this filter.

use libc::{
    SYS_accept, SYS_accept4, SYS_bind, SYS_brk, SYS_capget, SYS_clock_getres, SYS_clock_gettime,
    SYS_clock_nanosleep, SYS_clone, SYS_clone3, SYS_close, SYS_close_range, SYS_connect,
    SYS_copy_file_range, SYS_dup, SYS_dup3, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait,
    SYS_epoll_pwait2, SYS_eventfd2, SYS_exit, SYS_exit_group, SYS_faccessat, SYS_faccessat2,
    SYS_fadvise64, SYS_fallocate, SYS_fchmod, SYS_fchmodat, SYS_fcntl, SYS_fdatasync, SYS_flock,
    SYS_fstat, SYS_fstatfs, SYS_fsync, SYS_ftruncate, SYS_futex, SYS_futex_waitv,
    SYS_get_robust_list, SYS_getcpu, SYS_getcwd, SYS_getdents64, SYS_getegid, SYS_geteuid,
    SYS_getgid, SYS_getgroups, SYS_getpeername, SYS_getpid, SYS_getppid, SYS_getrandom,
    SYS_getresgid, SYS_getresuid, SYS_getrusage, SYS_getsockname, SYS_getsockopt, SYS_gettid,
    SYS_gettimeofday, SYS_getuid, SYS_ioctl, SYS_linkat, SYS_listen, SYS_lseek, SYS_madvise,
    SYS_membarrier, SYS_mincore, SYS_mkdirat, SYS_mmap, SYS_mprotect, SYS_mremap, SYS_msync,
    SYS_munmap, SYS_nanosleep, SYS_newfstatat, SYS_openat, SYS_openat2, SYS_pipe2, SYS_ppoll,
    SYS_prctl, SYS_pread64, SYS_preadv, SYS_preadv2, SYS_prlimit64, SYS_pselect6, SYS_pwrite64,
    SYS_pwritev, SYS_pwritev2, SYS_read, SYS_readahead, SYS_readlinkat, SYS_readv, SYS_recvfrom,
    SYS_recvmmsg, SYS_recvmsg, SYS_renameat2, SYS_restart_syscall, SYS_rseq, SYS_rt_sigaction,
    SYS_rt_sigpending, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigsuspend,
    SYS_rt_sigtimedwait, SYS_sched_getaffinity, SYS_sched_getparam, SYS_sched_getscheduler,
    SYS_sched_yield, SYS_sendfile, SYS_sendmmsg, SYS_sendmsg, SYS_sendto, SYS_set_robust_list,
    SYS_set_tid_address, SYS_setsockopt, SYS_shutdown, SYS_sigaltstack, SYS_socket, SYS_socketpair,
    SYS_splice, SYS_statfs, SYS_statx, SYS_sysinfo, SYS_timerfd_create, SYS_timerfd_gettime,
    SYS_timerfd_settime, SYS_times, SYS_uname, SYS_unlinkat, SYS_utimensat, SYS_write, SYS_writev,
    c_long,
};

/// What an argument must be. Arguments are counted from 0, and 32 bits of them are looked at: none of those here has more.
#[derive(Clone, Copy, Debug)]
pub(super) enum Limit {
    /// This value.
    Is(u8, u64),
    /// A value without any of these bits.
    None(u8, u64),
}

/// All of the kinds of namespaces (`CLONE_NEW*`).
const NEW_NAMESPACES: u64 = (libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWUTS)
    .unsigned_abs() as u64;

/// From the kernel's `linux/prctl.h`: names of memory, which the allocators give.
const PR_SET_VMA: u64 = 0x5356_4d41;

/// From the kernel's `asm-generic/ioctls.h` and `linux/sockios.h`; the C libraries do not agree on their type.
const FIONBIO: u64 = 0x5421;
const FIONREAD: u64 = 0x541b;
const FIOCLEX: u64 = 0x5451;
const TCGETS: u64 = 0x5401;
const TIOCGWINSZ: u64 = 0x5413;
const SIOCGIFNAME: u64 = 0x8910;
const SIOCGIFINDEX: u64 = 0x8933;

/// `AF_*` as the filter sees them.
const fn family(number: libc::c_int) -> Limit {
    Limit::Is(0, number.unsigned_abs() as u64)
}

/// Those that are open with some arguments only: one of the limits must hold.
pub(super) const LIMITED: &[(c_long, &[Limit])] = &[
    // Threads, and processes without a program of their own.
    (SYS_clone, &[Limit::None(CLONE_FLAGS, NEW_NAMESPACES)]),
    (
        SYS_prctl,
        &[
            Limit::Is(0, libc::PR_SET_NAME.unsigned_abs() as u64),
            Limit::Is(0, libc::PR_GET_NAME.unsigned_abs() as u64),
            Limit::Is(0, PR_SET_VMA),
        ],
    ),
    // Of this process.
    (SYS_prlimit64, &[Limit::Is(0, 0)]),
    (
        SYS_socket,
        &[
            family(libc::AF_UNIX),
            family(libc::AF_INET),
            family(libc::AF_INET6),
            // Which addresses this host has: asked when names are resolved.
            family(libc::AF_NETLINK),
        ],
    ),
    (SYS_socketpair, &[family(libc::AF_UNIX)]),
    // Whether a descriptor waits, how much there is to read, whether it is a terminal, and names of interfaces. None that
    // puts words into a terminal.
    (
        SYS_ioctl,
        &[
            Limit::Is(1, FIONBIO),
            Limit::Is(1, FIONREAD),
            Limit::Is(1, FIOCLEX),
            Limit::Is(1, TCGETS),
            Limit::Is(1, TIOCGWINSZ),
            Limit::Is(1, SIOCGIFINDEX),
            Limit::Is(1, SIOCGIFNAME),
        ],
    ),
];

/// Where `clone` has its flags: s390 alone has them elsewhere, and no filter is made for it.
const CLONE_FLAGS: u8 = 0;

/// Those that are open.
#[rustfmt::skip]
pub(super) const OPEN: &[c_long] = &[
    // Files.
    SYS_openat, SYS_openat2, SYS_close, SYS_close_range, SYS_read, SYS_readv, SYS_pread64, SYS_preadv, SYS_preadv2,
    SYS_write, SYS_writev, SYS_pwrite64, SYS_pwritev, SYS_pwritev2, SYS_lseek, SYS_fstat, SYS_newfstatat, SYS_statx,
    SYS_statfs, SYS_fstatfs, SYS_faccessat, SYS_faccessat2, SYS_readlinkat, SYS_getdents64, SYS_getcwd, SYS_fcntl, SYS_flock,
    SYS_ftruncate, SYS_fallocate, SYS_fsync, SYS_fdatasync, SYS_fadvise64, SYS_readahead, SYS_mkdirat,
    SYS_unlinkat, SYS_linkat, SYS_renameat2, SYS_fchmod, SYS_fchmodat, SYS_utimensat, SYS_dup, SYS_dup3, SYS_pipe2,
    SYS_copy_file_range, SYS_sendfile, SYS_splice,
    // Memory.
    SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_mincore, SYS_msync, SYS_membarrier,
    // Threads. That `clone3` does not exist is said by a filter of its own.
    SYS_clone3, SYS_futex, SYS_futex_waitv, SYS_set_robust_list, SYS_get_robust_list, SYS_rseq, SYS_set_tid_address,
    SYS_sched_yield, SYS_sched_getaffinity, SYS_sched_getparam, SYS_sched_getscheduler, SYS_gettid, SYS_getcpu, SYS_exit,
    SYS_exit_group,
    // Signals; none to others, and `tgkill` to this process alone, see the filter.
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending, SYS_rt_sigsuspend, SYS_rt_sigtimedwait,
    SYS_sigaltstack, SYS_restart_syscall,
    // Time.
    SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday, SYS_times,
    SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime,
    // Waiting.
    SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_ppoll, SYS_pselect6, SYS_eventfd2,
    // Connections.
    SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_connect, SYS_getsockname, SYS_getpeername, SYS_getsockopt,
    SYS_setsockopt, SYS_sendto, SYS_sendmsg, SYS_sendmmsg, SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg, SYS_shutdown,
    // Who and where this process is.
    SYS_getpid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getresuid, SYS_getresgid, SYS_getgroups,
    SYS_capget, SYS_uname, SYS_sysinfo, SYS_getrandom, SYS_getrusage,
];

/// Those that have older names too, on processors that Linux has been on for long.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
pub(super) const OLDER: &[c_long] = &[
    libc::SYS_open, libc::SYS_stat, libc::SYS_lstat, libc::SYS_access, libc::SYS_readlink, libc::SYS_getdents,
    libc::SYS_mkdir, libc::SYS_unlink, libc::SYS_link, libc::SYS_rename, libc::SYS_renameat, libc::SYS_chmod, libc::SYS_dup2, libc::SYS_pipe,
    libc::SYS_arch_prctl, libc::SYS_time, libc::SYS_getrlimit, libc::SYS_poll, libc::SYS_select, libc::SYS_epoll_create,
    libc::SYS_epoll_wait, libc::SYS_eventfd,
];

/// As above.
#[cfg(target_arch = "aarch64")]
pub(super) const OLDER: &[c_long] = &[libc::SYS_renameat];

/// As above: there are none here.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) const OLDER: &[c_long] = &[];
