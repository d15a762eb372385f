"""The trigger client: a small browser without its kindness. Cookies are kept; redirects are not followed."""

from __future__ import annotations

import json as json_codec
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlencode

from harness.drive.bodies import Data, Pairs, body_of, pairs
from harness.drive.commands import LONGEST, Commands
from harness.drive.reading import KEEP
from harness.drive.tls import Tls
from harness.drive.wire import Answer, ask
from harness.errors import HarnessError, UsageError
from harness.model.attached import Conduct
from harness.model.exchange import Exchange, Sizes
from harness.model.secret import plain

KEPT, WHOLE = 4 * 2**20, 24 * 2**20
REMEMBERED = 32
"""Requests that are kept, so that one try can be shown as curl lines."""


@dataclass(frozen=True)
class Request:
    """An HTTP/1.1 request as it goes on the wire; `fields` counts its query and form fields."""

    service: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    fields: int

    @property
    def line(self) -> bytes:
        """The request line, without CRLF."""
        return f"{self.method} {self.target} HTTP/1.1".encode("latin-1")

    @property
    def head(self) -> bytes:
        """Request line, headers and the blank line."""
        rows = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        return self.line + b"\r\n" + rows.encode("latin-1") + b"\r\n"

    @property
    def wire(self) -> bytes:
        """What goes out on the wire."""
        return self.head + self.body

    @property
    def sizes(self) -> Sizes:
        """The request's sizes in bytes."""
        target = len(self.target.encode("latin-1"))
        return Sizes(len(self.line), target, len(self.head), len(self.body), self.fields)


@dataclass(frozen=True)
class Response:
    """An answer: the exchange for the record, and the body's first 4 MiB for the scenario's author.

    `text` and `json()` fail loudly where the answer was longer than what is kept; ask with `whole=True` then.
    `wire` is what the socket saw, with our port and the time; None where nothing was sent.
    """

    exchange: Exchange
    content: bytes
    wire: Answer | None = field(default=None, repr=False, compare=False)

    @property
    def answer(self) -> Answer:
        """What came back over the wire, or what the exchange tells of it."""
        seen, body = self.exchange, self.content
        return self.wire or Answer(
            seen.status, seen.reason, seen.headers, body, len(body), fate=seen.fate, error=seen.error
        )

    @property
    def status(self) -> int | None:
        """The status, or None where no status line came back."""
        return self.exchange.status

    @property
    def exit_code(self) -> int | None:
        """Of a command: how it ended; None where that was not seen."""
        return self.exchange.exit_code

    @property
    def text(self) -> str:
        """The body, or what a command wrote, as UTF-8 text, undecodable bytes replaced."""
        self._must_be_whole()
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        """The body read as JSON. Raises UsageError that shows what came instead."""
        self._must_be_whole()
        try:
            return json_codec.loads(self.content)
        except ValueError as problem:
            raise UnexpectedAnswer(self.exchange, f"no JSON ({problem})") from problem

    def expect(self, *statuses: int) -> Response:
        """This answer, if its status is one of these (any 2xx where none is given). Of a command: if its exit code is
        (0 where none is given). Raises UnexpectedAnswer."""
        if self.exchange.via == "command":
            if self.exit_code in (statuses or (0,)):
                return self
            raise UnexpectedAnswer(self.exchange, f"exit code {self.exit_code}")
        status = self.status or 0
        if (status in statuses) if statuses else 200 <= status < 300:
            return self
        raise UnexpectedAnswer(self.exchange, f"status {self.status or 'none'}")

    def _must_be_whole(self) -> None:
        if self.exchange.body_length > len(self.content):
            raise UsageError(
                f"the answer to {self.exchange.method} {self.exchange.path} has {self.exchange.body_length} bytes,"
                f" of which {len(self.content)} were kept",
                expected="an answer that is kept whole",
                fix="pass whole=True to this request",
            )


class UnexpectedAnswer(HarnessError):
    """A request that a scenario needs (a login, a read-back) was answered otherwise than it needs."""

    exit_code = 2

    def __init__(self, exchange: Exchange, seen: str) -> None:
        said = exchange.body.strip()[:200] or exchange.error or "nothing"
        super().__init__(
            f"{exchange.service}: {exchange.method} {exchange.path} was answered with {seen}: {said}",
            expected="the answer that the scenario relies on",
            fix="see the service's log in the run's folder",
        )
        self.exchange = exchange


class Client:
    """Requests to one service of the stage, with a cookie jar of its own.

    service   its name, for the record
    address   (host, port) where it can be reached from here
    timeout   seconds for one exchange
    tls       how to speak TLS to it; None: plain HTTP
    segment   0: a request is handed over at once; n: in writes of n bytes
    conduct   what may be sent to it, where it is not ours
    sender    what `send` does; see `harness.drive.tape` for others
    sent      where each request is kept, the newest last
    commands  how commands are run beside the service; None: they cannot be
    """

    def __init__(
        self,
        service: str,
        address: tuple[str, int],
        *,
        timeout: float = 60.0,
        tls: Tls | None = None,
        sent: deque[Request] | None = None,
    ) -> None:
        self.service, self.address, self.timeout, self.tls = service, address, timeout, tls
        self.segment = 0
        self.conduct: Conduct | None = None
        self.sent = deque[Request](maxlen=REMEMBERED) if sent is None else sent
        self.commands: Commands | None = None
        self.cookies: dict[str, str] = {}
        self.sender: Sender = Client.send_now

    def get(
        self, path: str, *, params: Pairs | None = None, headers: Pairs = (), whole: bool = False
    ) -> Response:
        """GET; `params` become the query, percent-encoded as a form's fields are."""
        return self.send(self.build("GET", path, params=params, headers=headers), whole=whole)

    def post(
        self,
        path: str,
        *,
        data: Data | None = None,
        json: Any = None,
        parts: Pairs | None = None,
        headers: Pairs = (),
    ) -> Response:
        """POST; `data` as pairs is a form, as bytes is sent as it is, as a generator of bytes goes out in chunks;
        `json` is encoded; `parts` is a form with files, each a tuple (file name, content, media type)."""
        return self.send(self.build("POST", path, data=data, json=json, parts=parts, headers=headers))

    def run(self, words: Sequence[str], *, aside: bool = False, timeout: float = LONGEST) -> Response:
        """Runs a command in the service's container, or beside its process with its folder and environment, until it
        ends: `exit_code` and `text` tell of it. `aside`: it is no part of the batch, and only reads something."""
        if self.commands is None:
            raise UsageError(
                f"a command cannot be run beside {self.service!r} here",
                expected="a service that this rehearsal has started",
                fix="rehearse that with --stage docker or process",
            )
        exchange, output = self.commands.run(self.service, words, aside=aside, timeout=timeout)
        return Response(exchange, output)

    @property
    def at_work(self) -> int:
        """How many commands that are no `aside` run beside the service now."""
        return self.commands.service(self.service).at_work() if self.commands else 0

    def build(
        self,
        method: str,
        path: str,
        *,
        params: Pairs | None = None,
        data: Data | None = None,
        json: Any = None,
        parts: Pairs | None = None,
        headers: Pairs = (),
    ) -> Request:
        """The request that would be sent. Raises UsageError where it is given several bodies."""
        query, body = pairs(params), body_of(data, json, parts)
        target = path + (("&" if "?" in path else "?") + urlencode(query) if query else "")
        host = self.tls.name if self.tls else self.address[0]
        if self.conduct:
            host = self.conduct.host
        own = {"Host": f"{host}:{self.address[1]}", "User-Agent": "rehearse", "Accept": "*/*"}
        if self.conduct:
            own["X-Rehearsal"] = self.conduct.mark
        if self.cookies:
            own["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body.kind:
            own["Content-Type"] = body.kind
        if body.chunked:
            own["Transfer-Encoding"] = "chunked"
        elif method != "GET" or body.sent:
            own["Content-Length"] = str(len(body.sent))
        own |= {name: plain(value) for name, value in pairs(headers)}
        return Request(self.service, method, target, tuple(own.items()), body.sent, len(query) + body.fields)

    def send(self, request: Request, *, whole: bool = False) -> Response:
        """Sends it, keeps the cookies that come back, follows nothing."""
        self.sent.append(request)
        response = self.sender(self, request, whole)
        self._keep_cookies(response.answer)
        return response

    def send_now(self, request: Request, whole: bool = False) -> Response:
        """Sends it; its cookies are left to `send`."""
        keep = WHOLE if whole else KEPT
        answer = self.ask(request.wire, timeout=self.timeout, keep=keep, segment=self.segment)
        return Response(_exchange(request, answer), answer.body, answer)

    def ask(self, wire: bytes, *, timeout: float, keep: int = KEEP, segment: int = 0) -> Answer:
        """Sends these bytes as they are, and nothing else. Raises Refused where they may not be sent."""
        if self.conduct:
            self.conduct.check(wire)
        answer = ask(self.address, wire, timeout=timeout, keep=keep, segment=segment, tls=self.tls)
        if self.conduct:
            self.conduct.check_redirect(answer.header("location"))
        return answer

    def _keep_cookies(self, answer: Answer) -> None:
        for name, value in answer.headers:
            if name.lower() != "set-cookie":
                continue
            jar: SimpleCookie = SimpleCookie()
            try:
                jar.load(value)
            except CookieError:
                continue  # a cookie that no browser would keep either
            for morsel in jar.values():
                if morsel.value and morsel["max-age"] != "0":
                    self.cookies[morsel.key] = morsel.value
                else:
                    self.cookies.pop(morsel.key, None)


Sender = Callable[[Client, Request, bool], Response]
"""Gets an answer to a request of this client (the third: whether the answer is kept whole)."""


class Live:
    """The stage as a scenario sees it: `live.<service>` is a client for it."""

    def __init__(
        self,
        addresses: Mapping[str, tuple[str, int]],
        *,
        stage: str,
        logs: Callable[[str], bytes] = lambda service: b"",
        tls: Mapping[str, Tls | None] | None = None,
    ) -> None:
        self.stage, self._logs = stage, logs
        self.sent = deque[Request](maxlen=REMEMBERED)
        self._clients = {
            name: Client(name, address, sent=self.sent, tls=(tls or {}).get(name))
            for name, address in addresses.items()
        }

    def log_of(self, service: str) -> bytes:
        """What a service has written to stdout and stderr so far: its first 1 MiB and its last 4 MiB."""
        return self._logs(service)

    def commanded(self, commands: Commands) -> None:
        """From here on commands can be run."""
        for client in self._clients.values():
            client.commands = commands

    @property
    def clients(self) -> Mapping[str, Client]:
        """The clients by service."""
        return self._clients

    def moved(self, addresses: Mapping[str, tuple[str, int]]) -> None:
        """Services that were started again may be reached elsewhere; their clients keep their cookies."""
        for name, address in addresses.items():
            self._clients[name].address = address

    def __getattr__(self, name: str) -> Client:
        try:
            return self._clients[name]
        except KeyError:
            raise AttributeError(
                f"no service {name!r} on this stage; there are: {', '.join(self._clients)}"
            ) from None


def _exchange(request: Request, answer: Answer) -> Exchange:
    return Exchange(
        service=request.service,
        method=request.method,
        path=request.target.partition("?")[0],
        sizes=request.sizes,
        status=answer.status,
        reason=answer.reason,
        headers=answer.headers,
        body=answer.body[:4096].decode(errors="replace"),
        body_length=answer.body_length,
        sha256=answer.sha256,
        fate=answer.fate,
        error=answer.error,
        seconds=round(answer.seconds, 4),
    )
