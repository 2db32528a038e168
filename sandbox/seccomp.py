"""The system calls a sandbox may make: Docker's default list, less what a shell has no use for.

Docker's own default differs from release to release (20.10 lets vsock and io_uring through), so the
list goes with every container. Whatever it does not name fails with EPERM, a call of another
architecture (32 bit on 64) ends its process. Against the default are left out:

- what has a quota or objects that outlive a process: AIO, System V IPC, message queues, keys;
- what reaches into another process: ptrace and its kin, limits and priorities of others;
- a core limit of its own choice: only 1 keeps a host's core handler from running;
- memory that counts as nobody's: the buffers of netlink, ping and raw sockets;
- large attack surface without use here: io_uring, every socket family but Unix and IP, fanotify,
  secret memory, vmsplice, other personalities, disks flushed for the whole host.

Source of the names: moby's profiles/seccomp/default.json, read at its version for engine 25.
"""

import json
from typing import Any

FILES = """
access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2
fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr
flistxattr flock fremovexattr fsetxattr fstat fstatfs fsync ftruncate futimesat getcwd getdents
getdents64 getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl lchown
lgetxattr link linkat listxattr llistxattr lremovexattr lseek lsetxattr lstat memfd_create mkdir
mkdirat mknod mknodat newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64
pwritev pwritev2 read readahead readlink readlinkat readv removexattr rename renameat renameat2
rmdir sendfile setxattr splice stat statfs statx symlink symlinkat sync_file_range tee truncate
umask unlink unlinkat utime utimensat utimes write writev
"""
MEMORY = """
brk madvise membarrier mincore mlock mlock2 mlockall mmap mprotect mremap msync munlock munlockall
munmap pkey_alloc pkey_free pkey_mprotect map_shadow_stack
"""
PROCESSES = """
alarm arch_prctl capget capset execve execveat exit exit_group fork futex futex_waitv futex_wake
futex_wait futex_requeue get_robust_list get_thread_area getcpu getegid geteuid getgid getgroups
getitimer getpgid getpgrp getpid getppid getpriority getresgid getresuid getrlimit getrusage getsid
gettid getuid ioprio_get kill landlock_add_rule landlock_create_ruleset landlock_restrict_self pause
pidfd_open pidfd_send_signal prctl restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask
rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max
sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
sched_rr_get_interval sched_yield seccomp set_robust_list set_thread_area set_tid_address setfsgid
setfsuid setgid setgroups setitimer setpgid setregid setresgid setresuid setreuid setsid setuid
sigaltstack signalfd signalfd4 sysinfo tgkill times tkill uname vfork wait4 waitid
"""
WAITING = """
clock_getres clock_gettime clock_nanosleep epoll_create epoll_create1 epoll_ctl epoll_pwait
epoll_pwait2 epoll_wait eventfd eventfd2 getrandom gettimeofday nanosleep poll ppoll pselect6 select
time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create
timerfd_gettime timerfd_settime
"""
SOCKETS = """
accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg
sendmmsg sendmsg sendto setsockopt shutdown
"""

AF_UNIX = 1
INTERNET = (2, 10)  # AF_INET, AF_INET6
STREAM, DATAGRAM = 1, 2
TYPE_MASK = 0xF  # beside the type are flags
# The protocols whose buffers a control group counts.
PROTOCOLS = {STREAM: (0, 6), DATAGRAM: (0, 17)}
RLIMIT_CORE = 4
RLIMITS = 16
# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET: none of them may be set.
NAMESPACE_FLAGS = 0x7E020000
PLAIN_PERSONALITIES = (0, 0xFFFFFFFF)  # Linux, and the question which one it is
ENOSYS = 38


def seccomp_profile() -> str:
    """The profile as JSON, in the engine's format."""
    return json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": list(_rules())})


def _rules() -> list[dict[str, Any]]:
    plain = " ".join((FILES, MEMORY, PROCESSES, WAITING, SOCKETS)).split()
    return [
        {"names": plain, "action": "SCMP_ACT_ALLOW", "args": []},
        *_sockets(),
        *(_allow("personality", _equal(0, kind)) for kind in PLAIN_PERSONALITIES),
        _allow("clone", _masked(0, NAMESPACE_FLAGS, 0)),
        # As if the kernel had none: libraries then use clone, whose flags can be looked at.
        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS, "args": []},
        *_of_itself_only(),
    ]


def _sockets() -> list[dict[str, Any]]:
    """Those whose buffers count as memory: netlink's, ping's and raw ones count as nobody's."""
    return [
        _allow("socket", _equal(0, AF_UNIX)),
        _allow("socketpair", _equal(0, AF_UNIX)),
        *(
            _allow("socket", _equal(0, family), _masked(1, TYPE_MASK, kind), _equal(2, protocol))
            for family in INTERNET
            for kind, protocols in PROTOCOLS.items()
            for protocol in protocols
        ),
    ]


def _of_itself_only() -> list[dict[str, Any]]:
    """Limits and priorities: of the calling process, which 0 names, and of no other."""
    limits = [number for number in range(RLIMITS) if number != RLIMIT_CORE]
    return [
        *(_allow("prlimit64", _equal(0, 0), _equal(1, number)) for number in limits),
        _allow("prlimit64", _equal(0, 0), _equal(1, RLIMIT_CORE), _equal(2, 0)),  # to read it
        *(_allow("setrlimit", _equal(0, number)) for number in limits),
        *(
            _allow(name, _equal(0, 0))
            for name in ("sched_setaffinity", "sched_setattr", "sched_setparam")
        ),
        _allow("sched_setscheduler", _equal(0, 0)),
        _allow("setpriority", _equal(0, 0), _equal(1, 0)),
        _allow("ioprio_set", _equal(0, 1), _equal(1, 0)),
    ]


def _allow(name: str, *args: dict[str, Any]) -> dict[str, Any]:
    checks = [arg | {"op": f"SCMP_CMP_{arg['op']}"} for arg in args]
    return {"names": [name], "action": "SCMP_ACT_ALLOW", "args": checks}


def _equal(index: int, value: int) -> dict[str, Any]:
    return {"index": index, "value": value, "op": "EQ"}


def _masked(index: int, mask: int, value: int) -> dict[str, Any]:
    return {"index": index, "value": mask, "valueTwo": value, "op": "MASKED_EQ"}
