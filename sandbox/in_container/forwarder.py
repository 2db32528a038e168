"""Carry connections from 127.0.0.1:3128 in the container to the allow-list proxy's Unix socket.

Runs in the container as the user of process 1, out of the commands' reach, which cannot open the
socket themselves. It decides nothing: the proxy at the other end does.
"""

import asyncio
import contextlib
import os
import socket

SOCKET = "/run/proxy/socket/proxy.sock"
PORT = 3128
MAX_CONNECTIONS = 32
CHUNK = 1 << 16

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def main() -> None:
    free = asyncio.Semaphore(MAX_CONNECTIONS)
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    def ended(task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        free.release()

    with socket.create_server(("127.0.0.1", PORT), backlog=128) as listener:
        listener.setblocking(False)
        while True:
            await free.acquire()  # before accepting: what has to wait costs no descriptor
            connection, _ = await loop.sock_accept(listener)
            task = loop.create_task(serve(connection))
            tasks.add(task)
            task.add_done_callback(ended)


async def serve(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        near = await asyncio.open_connection(sock=connection)
        try:
            await forward(near)
        finally:
            near[1].close()


async def forward(near: Streams) -> None:
    far = await asyncio.open_unix_connection(SOCKET)
    try:
        await asyncio.gather(copy(near[0], far[1]), copy(far[0], near[1]))
    finally:
        far[1].close()


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(CHUNK):
        target.write(data)
        await target.drain()
    target.write_eof()


if __name__ == "__main__":
    os.umask(0o077)
    asyncio.run(main())
