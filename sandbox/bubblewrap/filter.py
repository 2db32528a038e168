"""The seccomp profile as the program that the kernel runs, compiled by the system's libseccomp."""

import ctypes
import json
import os
from functools import cache
from typing import Any

from langgraph_fusion.sandbox.base import SandboxUnavailable
from langgraph_fusion.sandbox.seccomp import seccomp_profile

ALLOW = 0x7FFF0000
ERRNO = 0x00050000
EPERM = 1
COMPARISONS = {"SCMP_CMP_EQ": 4, "SCMP_CMP_MASKED_EQ": 7}  # seccomp.h, enum scmp_compare
UNKNOWN = -1  # __NR_SCMP_ERROR: no call of that name anywhere


class _Comparison(ctypes.Structure):
    """`struct scmp_arg_cmp` of seccomp.h."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("comparison", ctypes.c_int),
        ("value", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


@cache
def compiled_filter() -> bytes:
    """The filter for this machine's architecture, as bubblewrap's `--seccomp` reads it.

    Raises:
        SandboxUnavailable: If there is no libseccomp, or it does not take the profile.
    """
    try:
        library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    except OSError as error:
        raise SandboxUnavailable("bubblewrap needs libseccomp. Install `libseccomp2`.") from error
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(ERRNO | EPERM)))
    try:
        for rule in json.loads(seccomp_profile())["syscalls"]:
            _add(library, context, rule)
        return _exported(library, context)
    finally:
        library.seccomp_release(context)


def _add(library: ctypes.CDLL, context: ctypes.c_void_p, rule: dict[str, Any]) -> None:
    action = ALLOW if rule["action"] == "SCMP_ACT_ALLOW" else ERRNO | rule["errnoRet"]
    checks = [
        _Comparison(
            check["index"], COMPARISONS[check["op"]], check["value"], check.get("valueTwo", 0)
        )
        for check in rule["args"]
    ]
    array = (_Comparison * len(checks))(*checks)
    for name in rule["names"]:
        number = library.seccomp_syscall_resolve_name(name.encode())
        # Negative: another architecture's, or one that this library is too old to know.
        if number < 0:
            continue
        failed = library.seccomp_rule_add_array(
            context, ctypes.c_uint32(action), number, len(checks), array
        )
        if failed:
            raise SandboxUnavailable(f"libseccomp does not take a rule for {name}.")


def _exported(library: ctypes.CDLL, context: ctypes.c_void_p) -> bytes:
    descriptor = os.memfd_create("seccomp")
    try:
        if library.seccomp_export_bpf(context, descriptor):
            raise SandboxUnavailable("libseccomp does not compile the filter.")
        size = os.lseek(descriptor, 0, os.SEEK_CUR)
        return os.pread(descriptor, size, 0)
    finally:
        os.close(descriptor)
