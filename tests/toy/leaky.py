"""A batch that leaks: it logs, answers and fails with every secret it has or is sent, in six encodings.

    leaky.py PORT WITNESS      what it leaked goes, one a line, into the file WITNESS too: proof that it did

LEAK_n are secrets that it is given; NAMED_n are its own, which nobody but their names gives away.
"""

import base64
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

WITNESS = Path(sys.argv[2])
named = [os.environ[name] for name in sorted(os.environ) if name.startswith("NAMED_")]
done: dict[str, tuple[str, str]] = {}


def six(secret: str) -> list[str]:
    raw = secret.encode()
    basic = base64.b64encode(b"user:" + raw).decode()
    coded = base64.urlsafe_b64encode(raw).decode()
    return [secret, basic, coded, raw.hex(), quote(secret, safe=""), json.dumps(secret)]


def leak(*secrets: str) -> str:
    """All of them in six encodings, as text; into the log as well."""
    with WITNESS.open("a") as witness:
        witness.writelines(f"{secret}\n" for secret in secrets)
    text = " | ".join(form for secret in secrets for form in six(secret))
    print(f"leaking {text}", flush=True)
    return text


def by_name() -> str:
    """Its own secrets, in ten dresses."""
    with WITNESS.open("a") as witness:
        witness.writelines(f"{secret}\n" for secret in named)
    n = iter(named)
    return "\n".join([
        f"login with password={next(n)}", f"Authorization: Bearer {next(n)}", f"Cookie: lang=en; sid={next(n)}",
        f"secret_key: '{next(n)}'", f"connecting to postgres://app:{next(n)}@db/payouts",
        json.dumps({"access_token": next(n), "kind": "bearer"}), f"X-Api-Key: {next(n)}",
        f'<input type="hidden" name="csrf_token" value="{next(n)}">',
        f"GET https://hooks.example/deliver?sig={next(n)}&v=1", f"GET https://hooks.example/T00/{next(n)}/x",
    ])  # fmt: skip


class Leaky(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body: object, **headers: str) -> None:
        text = json.dumps(body).encode()
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self) -> None:
        answers = {"/items": [[item, *told] for item, told in done.items()], "/health": "ok"}
        answers["/ledger"] = [item for item, (said, _) in done.items() if said == "ok"]
        self.answer(answers.get(self.path))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        sent = [value for name, value in self.headers.items() if name.startswith("X-Leak")]
        sent += [value for _, value in parse_qsl(urlsplit(self.path).query)] + body.get("secrets", [])
        text = leak(*sent) + "\n" + by_name()
        print(text, flush=True)
        for item, name in body["users"]:
            bad = not (name or "").isascii()
            done[item] = ("failed", f"refused with {text}") if bad else ("ok", text)
        cookie = f"sessionid={named[2]}; Path=/; HttpOnly"
        echo = sent[0] if sent else ""
        told = {"told": text, "token": named[5]}
        self.answer(told, Set_Cookie=cookie, X_Auth_Token=named[1], X_Echo=echo)

    def log_message(self, *words: object) -> None:
        pass


leak(*(value for name, value in os.environ.items() if name.startswith("LEAK_")))
print(by_name(), flush=True)
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Leaky).serve_forever()
