"""Verify that a started container has every restriction; one that has not runs no command.

The supervisor inside reports what the kernel says. That guards against an engine that ignores
flags, or execs into the wrong file system (as one in a plain chroot does): not against an image
made to lie, which is the operator's to choose.
"""

import hashlib
from pathlib import Path

from langgraph_fusion.sandbox.base import SandboxUnavailable
from langgraph_fusion.sandbox.calls import Call, SandboxGone, SupervisedContainer
from langgraph_fusion.sandbox.command_environment import PROXY_PORT
from langgraph_fusion.sandbox.settings import BUILD_IMAGE, SandboxSettings
from langgraph_fusion.sandbox.wire import CheckReport, ErrorReport, NoReport

IN_CONTAINER = Path(__file__).parent / "in_container"
MIB = 1 << 20
SELF_CHECK_S = 30.0
# Runtimes with a kernel of their own: no seccomp or control group of the host shows inside.
OWN_KERNEL = ("runsc", "kata")
# Upstream: google/gvisor issue 160, pull request 14687 (open in September 2026).
WITH_RUNTIME = (
    "Its `runtime` has to execute programs that may not be read, as the supervisor's interpreter; "
    "releases of gVisor so far do not. Unset `runtime`."
)


def supervisor_hash() -> str:
    return hashlib.sha256((IN_CONTAINER / "supervisor.py").read_bytes()).hexdigest()


def check_locks(container: SupervisedContainer, settings: SandboxSettings) -> None:
    """Ask a started container how it is locked; blocks.

    Raises:
        SandboxUnavailable: If it does not answer, or naming every lock that does not hold.
    """
    verify(ask_locks(container, settings), settings, container.uid)


def ask_locks(container: SupervisedContainer, settings: SandboxSettings) -> CheckReport:
    """What the kernel says inside a started container; blocks.

    Raises:
        SandboxUnavailable: If it does not answer.
    """
    proxy_port = PROXY_PORT if settings.allow_hosts else None
    request = {"op": "check", "proxy_port": proxy_port}
    try:
        report = container.ask(
            CheckReport, request, seconds=SELF_CHECK_S, max_bytes=MIB, call=Call()
        )
    except (NoReport, SandboxGone) as error:
        way_out = WITH_RUNTIME if settings.runtime else BUILD_IMAGE
        raise SandboxUnavailable(f"A sandbox started, but did not answer. {way_out}") from error
    if isinstance(report, ErrorReport):
        raise SandboxUnavailable("A sandbox started, but could not check its locks.")
    return report


def verify(report: CheckReport, settings: SandboxSettings, uid: int) -> None:
    """Compare a container's report with what was asked for.

    Raises:
        SandboxUnavailable: Naming every lock that does not hold.
    """
    if report.supervisor != supervisor_hash():
        raise SandboxUnavailable(f"The sandbox image holds another supervisor. {BUILD_IMAGE}")
    if broken := broken_locks(report, settings, uid):
        raise SandboxUnavailable(
            f"The sandbox is not locked as asked: {', '.join(broken)}. "
            "Use an engine that applies these limits."
        )


def broken_locks(report: CheckReport, settings: SandboxSettings, uid: int) -> list[str]:
    holds = command_locks(report, uid)
    holds |= {
        "process 1 is another user": report.main_uid not in (0, uid),
        "no engine socket": not report.engine_socket,
        "proxy answers": report.proxy,
        "proxy out of commands' reach": not report.proxy_socket,
    }
    if not own_kernel(settings):
        holds |= kernel_locks(report)
        holds |= limits_of(report, settings)
    return [lock for lock, held in holds.items() if not held]


def own_kernel(settings: SandboxSettings) -> bool:
    """Whether commands meet another kernel than the host's."""
    return (settings.runtime or "").startswith(OWN_KERNEL)


def command_locks(report: CheckReport, uid: int) -> dict[str, bool]:
    return {
        "commands run as a user of their own": report.uid == uid,
        "supervisor closed to commands": report.closed_interpreter,
        "no capabilities": not any(report.capabilities),
        "read-only root": report.root_read_only,
        "no network": report.interfaces in ([], ["lo"]),
        "no terminals": not report.terminals,
    }


def kernel_locks(report: CheckReport) -> dict[str, bool]:
    return {
        "no new privileges": report.no_new_privileges,
        "seccomp filter": report.seccomp,
        **{f"no system call {name}": False for name in report.open_calls},
        "no core handler": report.core_limit == 1,
    }


def limits_of(report: CheckReport, settings: SandboxSettings) -> dict[str, bool]:
    return {
        "memory limit": report.memory == settings.memory_mb * MIB,
        "process limit": report.processes == settings.max_processes,
        "cpu limit": report.cpus is not None and abs(report.cpus - settings.cpus) < 0.01,
    }
