"""A downstream for tests of the harness: `shop.py PORT` books what it is asked to pay, and tells its ledger.

SHOP_LIE=n books every n-th payment and answers 500; SHOP_FORGET=n answers 200 and books nothing; SHOP_DEDUP books
each item once; SHOP_NO_LEDGER answers /ledger with 500. SHOP_HANG=silent:n at the n-th payment it books and never
answers, drip:n it answers a byte a second, stop:n its process is stopped, grow:n each payment costs n MiB, flood:n it
writes n MiB of log, yes:n it writes lines of it for ever.
SHOP_BOOK=path keeps the ledger over a restart. SHOP_FORKS has a child serve, and another once that has ended.
"""

import itertools
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

while os.environ.get("SHOP_FORKS") and os.fork():
    os.wait()

LIE, FORGET = int(os.environ.get("SHOP_LIE", "0")), int(os.environ.get("SHOP_FORGET", "0"))
HANG, _, NTH = os.environ.get("SHOP_HANG", "").partition(":")
DEDUP, NO_LEDGER = os.environ.get("SHOP_DEDUP"), os.environ.get("SHOP_NO_LEDGER")
BOOK = Path(os.environ.get("SHOP_BOOK", os.devnull))
ledger: list[str] = BOOK.read_text().split() if BOOK.exists() else []
kept: list[bytes] = []
asked = 0


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self) -> None:
        broken = NO_LEDGER and self.path == "/ledger"
        self.answer(500 if broken else 200, ledger if self.path == "/ledger" else "ok")

    def do_POST(self) -> None:
        global asked
        item = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["item"]
        asked += 1
        if not (FORGET and asked % FORGET == 0) and not (DEDUP and item in ledger):
            ledger.append(item)
            with BOOK.open("a") as book:
                book.write(f"{item}\n")
        if HANG and asked == int(NTH):
            trouble(self)
        if HANG in ("flood", "yes") and asked == 1:
            flooding.start()
        if HANG == "grow":
            kept.append(os.urandom(2**20) * int(NTH))
        self.answer(500 if LIE and asked % LIE == 0 else 200, "paid")

    def log_message(self, *words: object) -> None:
        pass


def flood() -> None:
    for _ in range(int(NTH)) if HANG == "flood" else itertools.count():
        os.write(1, b"x" * 2**20 if HANG == "flood" else (b"y" * 999 + b"\n") * 64)


flooding = threading.Thread(target=flood, daemon=True)


def trouble(shop: Shop) -> None:
    if HANG == "silent":
        time.sleep(3600)
    if HANG == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    if HANG == "drip":
        for byte in b"HTTP/1.1 200 OK" + b" " * 3600:
            shop.wfile.write(bytes([byte]))
            time.sleep(1)


if __name__ == "__main__":
    ThreadingHTTPServer((os.environ.get("TOY_HOST", "127.0.0.1"), int(sys.argv[1])), Shop).serve_forever()
