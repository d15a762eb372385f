"""A downstream that records what it is asked, before it answers: `python recorder.py LOG SECONDS [STATUS]`.

Prints its port. Each request is a line of LOG: its target and body. It answers after SECONDS; with SECONDS as
"a/n" it works on n requests at once, each for a seconds, and lets the others wait; "a/n!" turns the others away
with 503. In a body, `"answer": 503` asks for that status, and `"answer": "close"` for none at all.
"""

import asyncio
import os
import re
import sys

ANSWER = re.compile(rb'"answer":"?(\w+)')


async def main(log: int, seconds: float, room: int, strict: bool) -> None:
    seats = asyncio.Semaphore(room or 1_000_000)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                found = re.search(rb"content-length: (\d+)", head, re.I)
                body = await reader.readexactly(int(found[1]) if found else 0)
                os.write(log, head.split(b" ", 2)[1] + b" " + body + b"\n")
                wish = ANSWER.search(body)
                if strict and seats.locked():
                    writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
                    continue
                async with seats:
                    await asyncio.sleep(seconds)
                if wish and wish[1] == b"close":
                    break
                status = wish[1] if wish else b"200"
                writer.write(b"HTTP/1.1 " + status + b" Said\r\nContent-Length: 2\r\n\r\nok")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, os.environ.get("RECORDER_HOST", "127.0.0.1"), 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    text, _, room = sys.argv[2].partition("/")
    file = os.open(sys.argv[1], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    asyncio.run(main(file, float(text), int(room.rstrip("!") or 0), room.endswith("!")))
