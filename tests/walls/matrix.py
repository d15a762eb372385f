"""The rows of the server matrix: which server, what is asked, and what must come out, to the byte or the field."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from harness.drive.bodies import BOUNDARY, body_of
from harness.drive.wire import ask
from harness.model.answer import Answer
from harness.model.request import Request
from harness.model.walls import Delivery, WallKind, checksum
from harness.probes.walls import shape
from tests.walls import stand
from tests.walls.stand import Server

TIMEOUT = 20.0
SMALL, MIDDLE = (3_000, 30_000), (20_000, 300_000)


@dataclass(frozen=True)
class Row:
    """One limit of one chain. `hop` is the name of the server that refuses, `key` a part of the setting's name.

    kind       what is varied; for fields and parts the items go to `path`
    edge       (unit, value) that must be found
    soft       one write gets further
    lost       the surplus is dropped behind a status of success
    item       the name of the field, and how long each item is (characters)
    """

    servers: list[Server]
    kind: WallKind
    sizes: tuple[int, int]
    edge: tuple[str, int]
    hop: str
    key: str
    soft: bool = False
    lost: bool = False
    method: str = "POST"
    path: str = "/count"
    item: tuple[str, int] = ("id", 7)

    def name(self) -> str:
        chain = " -> ".join(server.name for server in self.servers)
        how = "" if self.kind not in ("fields", "form_bytes") else f" {self.method}"
        return f"{chain}: {self.kind}{how} {self.edge[1]}"


FRONT = [stand.NGINX, stand.DJANGO]
NG, AP, HA = [stand.NGINX_ALONE], [stand.APACHE, stand.WAITRESS], [stand.HAPROXY, stand.WAITRESS]
GU, DJ, H1, HT, WA = [stand.GUNICORN], [stand.DJANGO], [stand.H11], [stand.HTTPTOOLS], [stand.WAITRESS]
HY, EX, PH, TO = [stand.HYPERCORN], [stand.EXPRESS], [stand.PHP], [stand.TOMCAT10]
AI, WE, EN = [stand.AIOHTTP], [stand.WERKZEUG], [stand.ENVOY, stand.WAITRESS]
FEW, MANY, COUNTS = (20, 2000), (300, 3000), (300, 3000)
FILE, LIST, PHP_FILE, PHP_LIST = ("file", 7), ("file", 20_000), ("file[]", 7), ("file[]", 20_000)
MULTIPART = ("parts", "files", "upload")
PHP_ID, LONG = ("id[]", 7), ("id", 20_000)

ROWS = [
    Row(FRONT, "line", SMALL, ("line", 4094), "gunicorn-django", "limit-request-line"),
    Row(FRONT, "header", SMALL, ("field", 8188), "gunicorn-django", "limit-request-field_size"),
    Row(FRONT, "headers", FEW, ("headers", 99), "gunicorn-django", "limit-request-fields"),
    Row(FRONT, "body", (400_000, 4_000_000), ("body", 1_048_576), "nginx", "client_max_body_size"),
    Row(FRONT, "upload", (20, 200), ("body", 1_048_576), "nginx", "client_max_body_size", item=LIST),
    Row(FRONT, "fields", COUNTS, ("fields", 1000), "gunicorn-django", "DATA_UPLOAD_MAX_NUMBER_FIELDS"),
    Row(NG, "line", SMALL, ("line", 8190), "nginx-alone", "large_client_header_buffers"),
    Row(NG, "header", SMALL, ("field", 8190), "nginx-alone", "large_client_header_buffers"),
    Row(NG, "headers", FEW, ("headers", 1000), "nginx-alone", "max_headers"),
    Row(NG, "body", (400_000, 4_000_000), ("body", 1_048_576), "nginx-alone", "client_max_body_size"),
    Row(AP, "line", SMALL, ("line", 8191), "apache", "LimitRequestLine"),
    Row(AP, "header", SMALL, ("field", 8191), "apache", "LimitRequestFieldSize"),
    Row(AP, "headers", FEW, ("headers", 100), "apache", "LimitRequestFields"),
    Row(HA, "line", SMALL, ("htx", 15291), "haproxy", "tune.bufsize"),
    Row(HA, "headers", FEW, ("headers", 100), "haproxy", "tune.http.maxhdr"),
    Row(EN, "line", MIDDLE, ("head", 61_440), "envoy", "max_request_headers_kb"),
    Row(EN, "headers", FEW, ("headers", 100), "envoy", "max_headers_count"),
    Row(GU, "line", SMALL, ("line", 4094), "gunicorn", "limit-request-line"),
    Row(GU, "header", SMALL, ("field", 8188), "gunicorn", "limit-request-field_size"),
    Row(GU, "headers", FEW, ("headers", 100), "gunicorn", "limit-request-fields"),
    Row(DJ, "fields", COUNTS, ("fields", 1000), "gunicorn-django", "DATA_UPLOAD_MAX_NUMBER_FIELDS"),
    Row(
        DJ,
        "form_bytes",
        (30, 300),
        ("body", 2_621_440),
        "gunicorn-django",
        "DATA_UPLOAD_MAX_MEMORY",
        item=LONG,
    ),
    Row(DJ, "files", (30, 300), ("files", 100), "gunicorn-django", "DATA_UPLOAD_MAX_NUMBER_FILES", item=FILE),
    Row(DJ, "parts", COUNTS, ("parts", 1000), "gunicorn-django", "DATA_UPLOAD_MAX_NUMBER_FIELDS"),
    Row(H1, "line", SMALL, ("head", 16_800), "uvicorn-h11", "h11-max-incomplete", soft=True),
    Row(H1, "fields", COUNTS, ("fields", 1000), "uvicorn-h11", "max_fields"),
    Row(H1, "parts", COUNTS, ("parts", 1000), "uvicorn-h11", "max_fields"),
    Row(H1, "files", COUNTS, ("parts", 1000), "uvicorn-h11", "max_files", item=FILE),
    Row(HT, "line", MIDDLE, ("target", 65_535), "uvicorn-httptools", "fixed"),
    Row(WA, "line", MIDDLE, ("head", 262_143), "waitress", "max-request-header-size"),
    Row(WA, "body", (10**8, 2 * 10**9), ("body", 1_073_741_823), "waitress", "max-request-body-size"),
    Row(HY, "line", SMALL, ("head", 16_800), "hypercorn", "h11_max_incomplete", soft=True),
    Row(EX, "line", SMALL, ("text", 16_383), "express", "max-http-header-size"),
    Row(EX, "fields", COUNTS, ("fields", 1000), "express", "parameterLimit"),
    Row(EX, "fields", (90, 1400), ("fields", 1000), "express", "parameterLimit", lost=True, method="GET"),
    Row(EX, "form_bytes", (30, 300), ("body", 102_400), "express", "limit", item=("id", 500)),
    Row(EX, "nesting", (10, 100), ("nesting", 32), "express", "depth"),
    Row(PH, "nesting", (20, 200), ("nesting", 64), "php", "max_input_nesting_level", lost=True),
    Row(PH, "files", (5, 50), ("files", 20), "php", "max_file_uploads", lost=True, item=PHP_FILE),
    Row(PH, "upload", (20, 200), ("part", 2_097_152), "php", "upload_max_filesize", lost=True, item=PHP_LIST),
    Row(PH, "line", MIDDLE, ("head", 81_920), "php", "fixed"),
    Row(PH, "fields", COUNTS, ("fields", 1001), "php", "max_input_vars", lost=True, item=PHP_ID),
    Row(
        PH, "fields", COUNTS, ("fields", 1000), "php", "max_input_vars", lost=True, method="GET", item=PHP_ID
    ),
    Row(
        PH,
        "form_bytes",
        (100, 900),
        ("body", 8_388_608),
        "php",
        "post_max_size",
        lost=True,
        item=("id[]", 20_000),
    ),
    Row(TO, "line", SMALL, ("head", 8192), "tomcat10", "maxHttpRequestHeaderSize"),
    Row(TO, "headers", FEW, ("headers", 100), "tomcat10", "maxHeaderCount"),
    Row(
        TO,
        "fields",
        (2000, 20_000),
        ("fields", 10_000),
        "tomcat10",
        "maxParameterCount",
        lost=True,
        path="/count.jsp",
    ),
    Row(
        TO,
        "form_bytes",
        (30, 300),
        ("body", 2_097_152),
        "tomcat10",
        "maxPostSize",
        lost=True,
        path="/count.jsp",
        item=LONG,
    ),
    Row(AI, "line", SMALL, ("target", 8190), "aiohttp", "max_line_size"),
    Row(AI, "header", SMALL, ("value", 8190), "aiohttp", "max_field_size"),
    Row(AI, "headers", FEW, ("headers", 128), "aiohttp", "fixed"),
    Row(AI, "fields", COUNTS, ("fields", 1000), "aiohttp", "fixed"),
    Row(AI, "form_bytes", (30, 300), ("body", 1_048_576), "aiohttp", "client_max_size", item=LONG),
    Row(WE, "line", MIDDLE, ("line", 65_534), "werkzeug", "fixed"),
    Row(WE, "headers", FEW, ("headers", 99), "werkzeug", "_MAXHEADERS"),
    Row(WE, "parts", COUNTS, ("parts", 1000), "werkzeug", "max_form_parts"),
    Row(WE, "files", COUNTS, ("parts", 1000), "werkzeug", "max_form_parts", item=FILE),
]


def quick(rows: list[Row]) -> list[Row]:
    """One row for each chain of servers, and one for each kind that they leave out."""
    chains: set[str] = set()
    kinds: set[tuple[str, bool]] = set()
    kept = []
    for row in rows:
        chain, kind = row.name().split(":")[0], (row.kind, row.lost)
        if chain not in chains or kind not in kinds:
            kept.append(row)
        chains.add(chain)
        kinds.add(kind)
    return kept


@dataclass(frozen=True)
class Sender:
    """Sends n distinct items as one form (or query, or multipart) and reads back what was counted."""

    port: int
    row: Row

    def ids(self, n: int) -> list[str]:
        if self.row.kind == "nesting":
            return ["1000000"]
        width = self.row.item[1]
        return [f"{1_000_000 + index}".ljust(width, "x") for index in range(n)]

    def form(self, n: int, pad: int = 0) -> bytes:
        name = self.row.item[0] + "[a]" * n * (self.row.kind == "nesting")
        name = name.replace("[", "%5B").replace("]", "%5D")
        pairs = [f"{name}={item}" for item in self.ids(n)] + ([f"pad={'p' * pad}"] if pad else [])
        return "&".join(pairs).encode()

    def parts(self, n: int, pad: int = 0) -> bytes:
        name, ids = self.row.item[0], self.ids(n)
        if self.row.kind == "upload":
            named: list[tuple[str, object]] = [(name, ("list.txt", "\n".join(ids)))]
        else:
            named = [(name, (item, "x") if self.row.kind == "files" else item) for item in ids]
        return body_of(None, None, [*named, *([("pad", "p" * pad)] if pad else [])]).sent

    def body(self, n: int, pad: int) -> int:
        if self.row.method == "GET":
            return 0
        return len(self.parts(n, pad) if self.row.kind in MULTIPART else self.form(n, pad))

    def count(self, kind: WallKind, n: int) -> int:
        return shape.count(kind, self.request(n, 0))

    def request(self, n: int, pad: int) -> Request:
        host = ("Host", f"127.0.0.1:{self.port}")
        if self.row.method == "GET":
            return Request("GET", f"{self.row.path}?{self.form(n, pad).decode()}", (host,))
        if self.row.kind in MULTIPART:
            kind = ("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
            return Request("POST", self.row.path, (host, kind), self.parts(n, pad))
        kind = ("Content-Type", "application/x-www-form-urlencoded")
        return Request("POST", self.row.path, (host, kind), self.form(n, pad))

    def deliver(self, n: int, pad: int) -> Delivery:
        answer = ask(("127.0.0.1", self.port), self.request(n, pad).wire(), timeout=TIMEOUT)
        return counted(self.ids(n), answer)


def counted(ids: list[str], answer: Answer) -> Delivery:
    """What the sample application says it has received. Here the reply is the count of the one who received."""
    try:
        seen = json.loads(answer.text)
        arrived, total = int(seen["count"]), str(seen["sum"])
    except (ValueError, KeyError, TypeError):
        return Delivery(
            sent=len(ids), items_sum=checksum(ids), arrived=None, answer=answer, why_not="no count"
        )
    return Delivery(sent=len(ids), items_sum=checksum(ids), arrived=arrived, arrived_sum=total, answer=answer)


def asking(port: int) -> Callable[[bytes, int], Answer]:
    return lambda request, segment: ask(("127.0.0.1", port), request, timeout=TIMEOUT, segment=segment)
