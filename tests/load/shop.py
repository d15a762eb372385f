"""A service for scenarios of load: `python shop.py PORT SECONDS ROOM`. It works on ROOM requests at once.

POST /pay does one item and writes it into the ledger; a second one for a user is refused with 409.
POST /batch works on the users of a JSON list, one after the other, in a thread, and holds all of the ROOM meanwhile.
GET /balance/ID answers; GET /ledger, /items and /health tell.
"""

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECONDS, ROOM = float(sys.argv[2]), int(sys.argv[3])
seats = threading.Semaphore(ROOM)
done: list[str] = []
running = threading.Event()


class Server(ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def answer(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def seated(self) -> bool:
        """Whether there was room within a tenth of a second."""
        if not seats.acquire(timeout=0.1):
            self.answer(503, "busy")
            return False
        time.sleep(SECONDS)
        seats.release()
        return True

    def do_GET(self) -> None:
        if self.path.startswith("/balance/"):
            if self.seated():
                self.answer(200, 7)
            return
        self.answer(200, {"/ledger": done, "/progress": [len(done), running.is_set()]}.get(self.path, "ok"))

    def do_POST(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/batch":
            running.set()
            threading.Thread(target=work, args=(given,)).start()
            self.answer(202, "begun")
        elif given["id"] in done:
            self.answer(409, "done before")
        elif self.seated():
            done.append(given["id"])
            self.answer(200, "done")

    def log_message(self, *words: object) -> None:
        pass


def work(users: list[str]) -> None:
    for _ in range(ROOM):
        seats.acquire()
    for user in users:
        time.sleep(SECONDS)
        done.append(user)
    for _ in range(ROOM):
        seats.release()
    running.clear()


Server((os.environ.get("SHOP_HOST", "127.0.0.1"), int(sys.argv[1])), Shop).serve_forever()
