"""Carry connections from 127.0.0.1:3128 in the container to the allow-list proxy's Unix socket.

Runs in the container as the user of process 1, out of the commands' reach. It decides nothing: the
proxy at the other end of the socket does.
"""

import asyncio
import contextlib
import os

SOCKET = "/run/proxy/proxy.sock"
PORT = 3128
MAX_CONNECTIONS = 32
CHUNK = 1 << 16

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def main() -> None:
    free = asyncio.Semaphore(MAX_CONNECTIONS)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with free:
            with contextlib.suppress(OSError):
                await forward((reader, writer))
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", PORT)
    await server.serve_forever()


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
