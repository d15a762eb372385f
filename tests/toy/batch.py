"""A whole batch in one process, for tests of the harness: it takes ids, works on them, and tells what became of them.

Environment: TOY_LOSE=n forgets every n-th item it calls done; TOY_PAY_TWICE=n does every n-th item twice;
TOY_AGAIN does again what it has done; TOY_REFUSE=text fails the users in whose name it is;
TOY_NEVER_READY answers /health with 503; TOY_DIE ends at once with exit code 7; TOY_CERTIFICATE speaks TLS with the
certificate and key in that file.
/metrics tells its memory as Prometheus does.
"""

import json
import os
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LOSE, TWICE = int(os.environ.get("TOY_LOSE", "0")), int(os.environ.get("TOY_PAY_TWICE", "0"))
AGAIN = os.environ.get("TOY_AGAIN")
REFUSE = os.environ.get("TOY_REFUSE", "")
done: dict[str, str] = {}
ledger: list[str] = []


class Toy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def tell_memory(self) -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        text = f"process_resident_memory_bytes {pages * 4096}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self) -> None:
        if self.path == "/metrics":
            self.tell_memory()
            return
        answers = {"/items": list(done.items()), "/ledger": ledger, "/health": "ok"}
        ready = self.path != "/health" or not os.environ.get("TOY_NEVER_READY")
        self.answer(200 if ready else 503, answers.get(self.path))

    def do_POST(self) -> None:
        for given in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
            item, name = given if isinstance(given, list) else (given, "")
            if REFUSE and REFUSE in (name or ""):
                done[item] = "failed"
                continue
            if item in done and not AGAIN:
                continue
            done[item] = "ok"
            n = len(done)
            ledger.extend([item] * (0 if LOSE and n % LOSE == 0 else 2 if TWICE and n % TWICE == 0 else 1))
        self.answer(200, "done")

    def log_message(self, *words: object) -> None:
        pass


if os.environ.get("TOY_DIE"):
    print("toy: no database at db:5432", flush=True)
    sys.exit(7)
server = ThreadingHTTPServer((os.environ.get("TOY_HOST", "127.0.0.1"), int(sys.argv[1])), Toy)
if "TOY_CERTIFICATE" in os.environ:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["TOY_CERTIFICATE"])
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
