"""A batch with a downstream, for tests of the harness: `errand.py PORT` pays each item at SHOP_URL, in turn.

ERRAND_TIMEOUT=s seconds for an answer (0: for ever); ERRAND_TRIES=n how often an item is tried in one press, at once;
ERRAND_WAITS heeds Retry-After; ERRAND_BELIEVES calls everything done; ERRAND_PASSES over what has failed when it is
pressed again; ERRAND_SAYS=text what is told of a failed item; ERRAND_ASKS=n asks the shop once for
every n items done before it pays one.
"""

import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

URL, TIMEOUT = os.environ["SHOP_URL"], float(os.environ.get("ERRAND_TIMEOUT", "1")) or None
TRIES, SAYS = int(os.environ.get("ERRAND_TRIES", "1")), os.environ.get("ERRAND_SAYS")
WAITS, BELIEVES, PASSES, ASKS = (
    os.environ.get(f"ERRAND_{name}") for name in ("WAITS", "BELIEVES", "PASSES", "ASKS")
)
state: dict[str, tuple[str, str]] = {}
working = threading.Event()
http = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def pay(item: str) -> tuple[str, str]:
    told = ""
    for _ in range(TRIES):
        body = json.dumps({"item": item}).encode()
        try:
            with http.open(urllib.request.Request(f"{URL}/pay", body), timeout=TIMEOUT) as answer:
                answer.read()
            return "ok", ""
        except urllib.error.HTTPError as problem:
            told = f"{item}: the shop answers {problem.code}"
            if WAITS and problem.code == 429:
                time.sleep(int(problem.headers["Retry-After"]))
        except (OSError, HTTPException) as problem:
            told = f"{item}: no answer from the shop, perhaps done: {type(problem).__name__}"
    return ("ok" if BELIEVES else "failed"), told if SAYS is None else SAYS


def work(items: list[str]) -> None:
    for item in items:
        if state.get(item, ("", ""))[0] in (("ok", "failed") if PASSES else ("ok",)):
            continue
        for _ in range(len(state) // int(ASKS) if ASKS else 0):
            with http.open(f"{URL}/health") as answer:
                answer.read()
        state[item] = ("running", "")
        state[item] = pay(item)
    working.clear()


class Errand(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self) -> None:
        self.answer(
            200, {"items": [[item, *told] for item, told in list(state.items())], "working": working.is_set()}
        )

    def do_POST(self) -> None:
        items = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if working.is_set():
            return self.answer(409, "at work already")
        working.set()
        threading.Thread(target=work, args=(items,), daemon=True).start()
        return self.answer(202, "begun")

    def log_message(self, *words: object) -> None:
        pass


ThreadingHTTPServer((os.environ.get("TOY_HOST", "127.0.0.1"), int(sys.argv[1])), Errand).serve_forever()
