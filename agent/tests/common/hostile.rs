//! A `sock_ops` program that does what no program should: overwrite the callback flags that others have set.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use evenkeel::kernel::CgroupRoot;

const BPF_PROG_LOAD: libc::c_int = 5;
const BPF_LINK_CREATE: libc::c_int = 28;
const BPF_PROG_TYPE_SOCK_OPS: u32 = 13;
const BPF_CGROUP_SOCK_OPS: u32 = 3;

/// Attached behind whatever is attached to the root cgroup; detached when dropped.
pub(crate) struct Hostile {
    _program: OwnedFd,
    _link: OwnedFd,
}

/// One instruction: operation, registers (destination in the lower half), offset, constant.
#[repr(C)]
struct Instruction(u8, u8, i16, i32);

/// `if (ctx->op == ACTIVE_ESTABLISHED) bpf_sock_ops_cb_flags_set(ctx, 0); return 1;`
const PROGRAM: [Instruction; 8] = [
    Instruction(0xbf, 0x16, 0, 0),  // r6 = r1
    Instruction(0x61, 0x62, 0, 0),  // r2 = *(u32 *)(r6 + 0)
    Instruction(0x55, 0x02, 3, 4),  // if r2 != 4 goto +3
    Instruction(0xbf, 0x61, 0, 0),  // r1 = r6
    Instruction(0xb7, 0x02, 0, 0),  // r2 = 0
    Instruction(0x85, 0x00, 0, 59), // call bpf_sock_ops_cb_flags_set
    Instruction(0xb7, 0x00, 0, 1),  // r0 = 1
    Instruction(0x95, 0x00, 0, 0),  // exit
];

#[repr(C)]
struct LoadAttr {
    program_type: u32,
    instructions: u32,
    code: u64,
    license: u64,
    log: [u32; 4],
}

#[repr(C)]
struct LinkAttr {
    program: u32,
    target: u32,
    attach_type: u32,
    flags: u32,
}

impl Hostile {
    pub(crate) fn attach() -> Self {
        let license = c"GPL";
        let load = LoadAttr {
            program_type: BPF_PROG_TYPE_SOCK_OPS,
            instructions: u32::try_from(PROGRAM.len()).unwrap(),
            code: PROGRAM.as_ptr() as u64,
            license: license.as_ptr() as u64,
            log: [0; 4],
        };
        let program = bpf(BPF_PROG_LOAD, &load);
        let root = CgroupRoot::find(None).unwrap();
        let link = bpf(
            BPF_LINK_CREATE,
            &LinkAttr {
                program: number(&program),
                target: number(&root.dir),
                attach_type: BPF_CGROUP_SOCK_OPS,
                flags: 0,
            },
        );
        Self {
            _program: program,
            _link: link,
        }
    }
}

fn number(descriptor: &impl AsRawFd) -> u32 {
    descriptor.as_raw_fd().cast_unsigned()
}

fn bpf<A>(command: libc::c_int, attr: &A) -> OwnedFd {
    // SAFETY: `attr` is the attribute structure of the command, and what it points to lives across the call.
    let descriptor = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_ref(attr),
            size_of::<A>(),
        )
    };
    assert!(descriptor >= 0, "{}", std::io::Error::last_os_error());
    // SAFETY: the kernel has just given this descriptor to this process, and nobody else knows of it.
    unsafe { OwnedFd::from_raw_fd(i32::try_from(descriptor).unwrap()) }
}
