"""What the client sends besides a form: files in parts as a browser sends them, and chunks without a length."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import HTTP

import pytest

from harness.drive.bodies import BOUNDARY
from harness.drive.client import Client
from harness.drive.curl import curl
from harness.errors import UsageError
from harness.model.request import Request as Plain

CLIENT = Client("batch", ("127.0.0.1", 80))


def built(**body: object) -> Plain:
    return Plain.of(CLIENT.build("POST", "/run", **body).wire)  # type: ignore[arg-type]


def header(request: Plain, name: str) -> str:
    return next((value for key, value in request.headers if key == name), "")


def test_a_form_with_files_is_read_back_whole_by_somebody_elses_parser() -> None:
    content = bytes(range(256)) * 3
    request = built(
        parts=[("token", "a b"), ("list", ('we"ek.csv', content, "text/csv")), ("list", ("b", "x"))]
    )
    kind = header(request, "Content-Type")
    mail = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + request.body, policy=HTTP)
    token, first, second = mail.iter_parts()
    assert token.get_content().strip() == "a b"
    assert first.get_payload(decode=True) == content
    assert (first.get_content_type(), first.get_filename()) == ("text/csv", "we%22ek.csv")
    assert (second.get_content_type(), second.get_payload(decode=True)) == ("application/octet-stream", b"x")
    assert header(request, "Content-Length") == str(len(request.body))


def test_a_boundary_is_never_part_of_what_it_bounds() -> None:
    request = built(parts={"list": ("a", f"--{BOUNDARY}--")})
    assert header(request, "Content-Type").endswith(f"{BOUNDARY}x")


def test_a_generator_goes_out_in_chunks_without_a_length() -> None:
    request = built(data=(piece for piece in (b"id=1", b"", b"&id=2")))
    assert request.body == b"4\r\nid=1\r\n5\r\n&id=2\r\n0\r\n\r\n"
    assert header(request, "Transfer-Encoding") == "chunked"
    assert header(request, "Content-Length") == ""
    assert request.content() == b"id=1&id=2"
    line = curl(CLIENT.build("POST", "/run", data=iter([b"id=1", b"&id=2"])))
    assert "--data-raw 'id=1&id=2'" in line


def test_a_list_of_pairs_is_still_a_form() -> None:
    assert built(data=[("id", 1), ("id", 2)]).body == b"id=1&id=2"


def test_two_bodies_for_one_request_are_a_mistake_that_is_told() -> None:
    with pytest.raises(UsageError, match="data and parts"):
        built(data={"a": 1}, parts={"b": 2})
