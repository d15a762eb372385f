"""A batch for tests of the harness that takes a request and never answers it: `hangs.py PORT PATH`.

PATH names what is not answered: /ready, /seed, /run (also as /run:2, the second one), /progress, /outcomes, /effects.
With `stay` it answers all, and does not end when it is asked to.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WHERE, _, NTH = sys.argv[2].partition(":")
items: list[str] = []
done: list[str] = []
asked = 0


class Batch(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        global asked
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(length)
        if self.path == WHERE:
            asked += 1
            while asked >= int(NTH or 1):
                time.sleep(1)
        if self.path == "/seed":
            items.extend(json.loads(body))
        if self.path == "/run":
            done.extend(item for item in items if item not in done)
        text = json.dumps(done).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer  # noqa: N815  # the names that the library calls

    def log_message(self, *words: object) -> None:
        pass


if __name__ == "__main__":
    if WHERE == "stay":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ThreadingHTTPServer((os.environ.get("TOY_HOST", "127.0.0.1"), int(sys.argv[1])), Batch).serve_forever()
