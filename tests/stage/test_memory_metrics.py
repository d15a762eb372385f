"""A service's own word about its memory: Prometheus' text, from a page that may vanish at any moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from harness.errors import UsageError
from harness.model.memory import MemoryReading
from harness.stage.memory_metrics import MetricsPage, total

PAGE = r"""# HELP process_resident_memory_bytes Resident memory size in bytes.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 3.145728e+07
process_resident_memory_bytes_max 9e9
heap_bytes{area="old",path="C:\\a \"b\"\n}"} 1000 1700000000000
heap_bytes{ area="young" , path="x"} 24 # {trace_id="9"} 7
odd_bytes{worker="1"} 5
odd_bytes{worker="2"} NaN
# EOF
"""


@contextmanager
def page(status: int, body: str = "", location: str = "") -> Iterator[str]:
    """A page on loopback that answers so; yields its address."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()


def test_resident_memory_is_read_where_nothing_else_is_named() -> None:
    with page(200, PAGE) as url:
        assert MetricsPage(url=url).read() == MemoryReading(held=30 * 2**20, source="metrics")


def test_samples_of_several_processes_are_summed() -> None:
    assert total(PAGE, "heap_bytes") == 1024


def test_labels_choose_and_their_values_may_hold_quotes_braces_and_line_ends() -> None:
    assert total(PAGE, "heap_bytes", {"area": "young"}) == 24
    assert total(PAGE, "heap_bytes", {"path": 'C:\\a "b"\n}'}) == 1000
    assert total(PAGE, "heap_bytes", {"area": "eden"}) is None


@pytest.mark.parametrize("series", ["odd_bytes", "process_resident_memory", "heap"])
def test_what_is_no_number_of_bytes_or_another_series_is_no_reading(series: str) -> None:
    assert total(PAGE, series) is None


@pytest.mark.parametrize("value", ["+Inf", "-1", "many"])
def test_infinite_negative_or_garbled_values_are_no_reading(value: str) -> None:
    assert total(f"process_resident_memory_bytes {value}\n") is None


def test_a_page_that_stops_answering_is_no_reading() -> None:
    with page(200, PAGE) as url:
        told = MetricsPage(url=url, timeout=0.5)
        assert told.read() is not None
    assert told.read() is None


@pytest.mark.parametrize("status", [204, 404, 500])
def test_another_status_than_200_is_no_reading(status: int) -> None:
    with page(status) as url:
        assert MetricsPage(url=url).read() is None


def test_a_redirect_is_not_followed() -> None:
    with page(200, PAGE) as elsewhere, page(302, location=elsewhere) as url:
        assert MetricsPage(url=url).read() is None


@pytest.mark.parametrize("url", ["staging:9100/metrics", "file:///etc/passwd", ""])
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(UsageError):
        MetricsPage(url=url)
