"""Targets that look like production, one scenario each, called in a network namespace that counts every packet.

    unshare -n python -m tests.faults.targets FOLDER      results as JSON, by case: exit code, packets, connections

In the namespace all addresses lead back to it, so that a packet to whatever place is counted, and arrives nowhere.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any, ClassVar

ALLOWED, FORBIDDEN = "127.0.0.1", "127.0.0.2"
PORT = 8123
SCENARIO = """
import socket
from harness import Attached, Effect, Outcome, Progress, Scenario, Service, trigger
from harness.model.attached import LogQuery, Prometheus

{first}


class Target(Scenario):
    usual, scales, quiet = 3, (1,), "0s"
    allow = {allow!r}
    side_effects = {side_effects}
    batch = Service(port=80, ready={ready!r}, ready_within="3s", attach=Attached(url={url!r}, {more}))

    def seed(self, live, users):
        {seed}

    @trigger("JSON list")
    def by_json(self, live, users):
        return live.batch.post("/run", json=[user.id for user in users])

    def outcomes(self, live):
        return [Outcome(item, said) for item, said in live.batch.get("/items").expect().json()]

    def effects(self, live):
        return [Effect(item) for item in live.batch.get("/ledger").expect().json()]

    def progress(self, live):
        return Progress(len(live.batch.get("/items").expect().json()), 0, False)
"""
RESOLVER = """
_known = socket.getaddrinfo
def _leads_to(*answers):
    def resolve(host, port, *rest, **more):
        if host[0].isdigit():
            return _known(host, port, *rest, **more)
        return [(2, 1, 6, {name!r}, (address, port)) for address in answers]
    return resolve
socket.getaddrinfo = _leads_to(*{answers})
"""
PUBLIC = "93.184.216.34"


@dataclass(frozen=True)
class Case:
    """One target: what the scenario says, and the environment it is called in. `first` and `seed` are code in it;
    `reached`: something allowed is asked first, and what is counted are connections to the forbidden place."""

    url: str
    allow: tuple[str, ...] = (ALLOWED,)
    env: dict[str, str] = field(default_factory=dict)
    more: str = ""
    first: str = ""
    seed: str = "pass"
    ready: str = "/health"
    side_effects: bool = True
    words: tuple[str, ...] = ("--confirm", ALLOWED)
    reached: bool = False
    code: int = 6


def resolving(name: str, *answers: str, canonical: str = "", **more: Any) -> Case:
    """A name that leads to these addresses."""
    first = RESOLVER.format(name=canonical, answers=list(answers))
    return Case(f"http://{name}:{PORT}", allow=(name,), first=first, words=("--confirm", name), **more)


def named(host: str) -> Case:
    """A host that is allowed and confirmed, and still is none to rehearse on."""
    return Case(f"http://{host}:{PORT}", allow=(host,), words=("--confirm", host))


HERE = f"http://{ALLOWED}:{PORT}"
CASES: dict[str, Case] = {
    "a name with prod": named("prod.example.test"),
    "a name with www": named("www.example.test"),
    "a name with live": named("batch.live.example.test"),
    "a name with production": named("api-production.example.test"),
    "a user in front of the host": Case(f"http://{ALLOWED}@evil.example.test:{PORT}"),
    "a user and the host behind it": Case(f"http://evil.example.test@{ALLOWED}:{PORT}"),
    "a user and a password": Case(f"http://u:p@{ALLOWED}:{PORT}"),
    "a host that is not allowed": Case("http://evil.example.test"),
    "a host with an allowed one in front": Case(f"http://{ALLOWED}.evil.example.test:{PORT}"),
    "IPv6": Case(f"http://[::1]:{PORT}", allow=("::1", "[::1]")),
    "IPv4 in IPv6": Case(f"http://[::ffff:127.0.0.1]:{PORT}"),
    "a decimal address": named("2130706433"),
    "a hexadecimal address": named("0x7f000001"),
    "an octal address": named("0177.0.0.1"),
    "a short address": named("127.1"),
    "a public address": named(PUBLIC),
    "a public address over TLS": Case(f"https://{PUBLIC}", allow=(PUBLIC,), words=("--confirm", PUBLIC)),
    "a link's own address, of a cloud's passwords": named("169.254.169.254"),
    "the address of nothing": named("0.0.0.0"),
    "a name that leads to a public address": resolving("staging.example.test", PUBLIC),
    "a name that leads to a private and a public one": resolving("staging.example.test", ALLOWED, PUBLIC),
    "a name that is another one of production": resolving("staging.example.test", ALLOWED, canonical="lb.prod.test"),
    "HTTP_PROXY": Case(HERE, env={"HTTP_PROXY": f"http://{FORBIDDEN}:{PORT}"}),
    "https_proxy": Case(HERE, env={"https_proxy": f"http://{FORBIDDEN}:{PORT}"}),
    "ALL_PROXY": Case(HERE, env={"ALL_PROXY": f"socks5://{FORBIDDEN}:{PORT}"}),
    "a page of metrics elsewhere": Case(HERE, more=f'memory=Prometheus(url="http://{FORBIDDEN}:{PORT}/m")'),
    "a page of logs elsewhere": Case(HERE, more=f'logs=LogQuery(url="http://{FORBIDDEN}:{PORT}/l")'),
    "a letter that only looks like one": Case("http://st\u0430ging.example.test"),
    "a backslash": Case(f"http://{ALLOWED}\\@evil.example.test"),
    "a list that allows all": Case(HERE, allow=("*",)),
    "an empty list": Case(HERE, allow=()),
    "nobody typed the name": Case(HERE, words=()),
    "another name was typed": Case(HERE, words=("--confirm", "127.0.0.3")),
    "too many users": Case(HERE, words=("--confirm", ALLOWED, "--scales", "2")),
    "a redirect elsewhere": Case(HERE, ready="/away", reached=True),
    "a redirect elsewhere within the run": Case(HERE, seed='live.batch.get("/away")', reached=True),
    "a path that is an address": Case(HERE, seed=f'live.batch.get("http://{FORBIDDEN}:{PORT}/")', reached=True),
    "the scenario's own connection": Case(
        HERE, seed=f'socket.create_connection(("{FORBIDDEN}", {PORT}), 2)', reached=True
    ),
    "a library that follows redirects": Case(
        HERE, first="import urllib.request", seed=f'urllib.request.urlopen("{HERE}/away", timeout=2)', reached=True
    ),
    "a connection whose failure is swallowed": Case(
        HERE,
        first="import contextlib",
        seed="c = contextlib.suppress(Exception)\n        with c:"
        f' socket.create_connection(("{FORBIDDEN}", {PORT}), 2)',
        reached=True,
    ),
    "a name that leads elsewhere the second time": resolving(
        "staging.example.test", ALLOWED, reached=True, code=3,
        seed=f"socket.getaddrinfo = _leads_to('{FORBIDDEN}')",
    ),
    "and is asked for again by the scenario": resolving(
        "staging.example.test", ALLOWED, reached=True,
        seed=f"socket.getaddrinfo = _leads_to('{FORBIDDEN}')\n"
        f"        socket.create_connection(('staging.example.test', {PORT}), 2)",
    ),
    "a request that changes something, unasked": Case(
        HERE, side_effects=False, words=(), first="", more="", reached=True, code=3
    ),
}  # fmt: skip


def packets() -> int:
    """IP packets that this namespace has sent, or would have sent had there been a way."""
    words = [
        line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Ip:")
    ]
    counts = dict(zip(words[0], words[1], strict=True))
    six = Path("/proc/net/snmp6").read_text().split()
    return int(counts["OutRequests"]) + int(counts["OutNoRoutes"]) + int(six[six.index("Ip6OutRequests") + 1])


class Toy(BaseHTTPRequestHandler):
    """A batch that does at once what it is given; /away leads elsewhere."""

    done: ClassVar[list[str]] = []

    def answer(self, body: object, status: int = 200, **headers: str) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self) -> None:
        if self.path == "/away":
            self.answer("", 302, Location=f"http://{FORBIDDEN}:{PORT}/")
        else:
            items = {"/items": [(item, "ok") for item in self.done], "/ledger": self.done}
            self.answer(items.get(self.path, "ok"))

    def do_POST(self) -> None:
        self.done += json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer("done")

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """One that does not ask for its own name first: nobody is there to tell, and that is known after ten seconds."""

    server_bind = TCPServer.server_bind


def serve(address: str) -> list[str]:
    """A toy there; the list of connections it has had."""
    seen: list[str] = []

    class Here(Toy):
        done: ClassVar[list[str]] = []

        def setup(self) -> None:
            seen.append(self.client_address[0])
            super().setup()

    server = Server((address, PORT), Here)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return seen


def call(folder: Path, name: str, case: Case) -> int:
    """The command's exit code, in this process."""
    from harness import cli

    source = folder / "target.py"
    facts = asdict(case)
    source.write_text(SCENARIO.format(**facts), encoding="utf-8")
    before, environment, resolve = sys.argv, dict(os.environ), socket.getaddrinfo
    os.environ.update(case.env)
    out = ["--out", str(folder / "reports")]
    sys.argv = ["rehearse", "run", str(source), "--stage", "attach", "--fail-on", "never", *out, *case.words]
    try:
        return cli._run()
    finally:
        sys.argv, socket.getaddrinfo = before, resolve
        os.environ.clear()
        os.environ.update(environment)


def main(folder: Path) -> None:
    """Sets up the namespace, calls every case, and prints what came of it."""
    for words in ("link set lo up", "route add default dev lo"):
        subprocess.run(["ip", *words.split()], check=True)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    seen, forbidden = serve(ALLOWED), serve(FORBIDDEN)
    results: dict[str, dict[str, int]] = {}
    for name, case in CASES.items():
        before = packets(), len(seen), len(forbidden)
        code = call(folder, name, case)
        time.sleep(0.02)
        results[name] = {
            "code": code,
            "packets": packets() - before[0],
            "allowed": len(seen) - before[1],
            "forbidden": len(forbidden) - before[2],
        }
    before = packets(), len(forbidden)
    socket.create_connection((FORBIDDEN, PORT), 2).close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.sendto(b"x", (PUBLIC, 53))
    time.sleep(0.1)
    results["control"] = {"packets": packets() - before[0], "forbidden": len(forbidden) - before[1]}
    print(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
