"""Process 1 of a bubblewrap sandbox: starts a supervisor for each call, and ends with the host.

As the first process of its namespace it cannot be killed or stopped by the commands, whose uid it
has; the interpreter, which may be executed and not read, keeps its memory and descriptors closed.

Its argument is the number of a datagram socket: b"call" with a descriptor starts a supervisor on
it, b"kill" kills every other process and is answered. End of file, and SIGALRM after the sandbox's
lifetime, end everything: the kernel kills a namespace with its first process.
"""

from __future__ import annotations

import _socket  # a sandbox waits for it, and `socket` loads four times as long
import errno
import os
import signal
import sys

SUPERVISOR = ("/opt/sbx/sbx", "-I", "-S", "/opt/sbx/run")
TRIES = 3


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: reap())
    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    signal.alarm(int(sys.argv[2]))
    control = _socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(control.fileno(), False)
    while True:
        message, passed, _, _ = control.recvmsg(16, _socket.CMSG_SPACE(4))
        if message == b"call" and passed:
            start(int.from_bytes(passed[0][2][:4], sys.byteorder))
        elif message == b"kill":
            kill_all()
            control.send(b"killed")
        elif not message:
            return


def start(descriptor: int) -> None:
    """Start a supervisor whose standard streams are the descriptor."""
    for _ in range(TRIES):
        try:
            os.posix_spawn(
                SUPERVISOR[0],
                list(SUPERVISOR),
                {},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, descriptor, 0),
                    (os.POSIX_SPAWN_DUP2, descriptor, 1),
                ],
                setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE],
            )
            break
        except OSError as error:  # an earlier command ate all processes or all memory
            if error.errno not in (errno.EAGAIN, errno.ENOMEM):
                break
            kill_all()
    os.close(descriptor)


def kill_all() -> None:
    for _ in range(50):
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            return
        reap()
        signal.sigtimedwait([signal.SIGUSR1], 0.01)


def reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


if __name__ == "__main__":
    main()
    os._exit(0)
