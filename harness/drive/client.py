"""The trigger client: a small browser without its kindness. Cookies are kept; redirects are not followed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlencode

from harness.drive.bodies import Data, Pairs, body_of, pairs
from harness.drive.commands import LONGEST, Commands
from harness.drive.messages import Request, Response, exchange_of
from harness.drive.reading import KEEP
from harness.drive.tls import Tls
from harness.drive.wire import Answer, ask
from harness.errors import UsageError
from harness.model.attached import Conduct
from harness.model.secret import plain

KEPT, WHOLE = 4 * 2**20, 24 * 2**20
REMEMBERED = 32
"""Requests that are kept, so that one try can be shown as curl lines."""


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
        return Response(exchange_of(request, answer), answer.body, answer)

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
