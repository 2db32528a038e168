"""A private user id for the commands of each sandbox."""

import secrets

# The kernel counts pipes, signals, inotify instances and more per uid, host-wide. systemd's table
# of uids has nothing from 1879048192 to 2147352575; an engine that maps users has 65536.
PRIVATE_UIDS = range(1_900_000_000, 2_100_000_000)
MAPPED_UIDS = range(20_000, 60_000)


def private_uid(*, mapped: bool) -> int:
    """A user id for one sandbox's commands, which nobody on this host is likely to have.

    Args:
        mapped: Whether the engine maps its containers' users to others of the host.
    """
    return secrets.choice(MAPPED_UIDS if mapped else PRIVATE_UIDS)
