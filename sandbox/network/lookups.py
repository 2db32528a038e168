"""Resolve names in threads of their own, because the C library cannot be interrupted."""

import asyncio
import contextlib
import socket
import threading

AT_ONCE = 4


class Lookups:
    """At most `at_once` threads; a lookup given up keeps its thread until the library returns.

    The threads are daemons, so that no slow name server keeps the application from ending.
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._free = asyncio.Semaphore(at_once)

    async def of(self, host: str, port: int) -> list[str]:
        """The addresses of a host, in the order to try them.

        Raises:
            OSError: If there are none.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[str]] = loop.create_future()

        def finish(addresses: list[str], error: Exception | None) -> None:
            self._free.release()
            if found.done():  # nobody waits any more
                return
            if error is None:
                found.set_result(addresses)
            else:
                found.set_exception(error)

        def look_up() -> None:
            addresses, error = _look_up(host, port)
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(finish, addresses, error)

        threading.Thread(target=look_up, name="lookup", daemon=True).start()
        return await found


def _look_up(host: str, port: int) -> tuple[list[str], Exception | None]:
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return [], error
    return [str(entry[4][0]) for entry in entries], None
