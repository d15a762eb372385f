"""Requests changed on their way out: what is sent stays readable, and only what is meant to change does."""

from __future__ import annotations

import json

import pytest

from harness.model.request import Request
from harness.probes.walls.changes import from_page_of, neutral, padded

FORM = ("Content-Type", "application/x-www-form-urlencoded")
HOST = ("Host", "127.0.0.1:80")


def test_ballast_is_one_more_field_of_a_form() -> None:
    request = padded(5)(Request("POST", "/run", (FORM,), b"id=1&id=2"))
    assert request.body == b"id=1&id=2&rehearsal_padding=ppppp"


def test_ballast_behind_json_leaves_what_it_says() -> None:
    request = padded(100)(Request("POST", "/run", (("content-type", "application/json"),), b"[1, 2]"))
    assert len(request.body) == 106
    assert json.loads(request.body) == [1, 2]


def test_ballast_is_one_more_part() -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="id"\r\n\r\n1\r\n--b--\r\n'
    request = padded(3)(Request("POST", "/run", (("Content-Type", "multipart/form-data; boundary=b"),), body))
    assert request.body.count(b"--b\r\n") == 2
    assert request.body.endswith(body)


@pytest.mark.parametrize("kind", ["text/csv", ""])
def test_other_bodies_are_left_alone(kind: str) -> None:
    request = Request("POST", "/run", (("Content-Type", kind),), b"1\n2\n")
    assert padded(10)(request) == request


def test_neutral_letters_are_as_many_bytes_and_leave_ids_and_separators() -> None:
    request = Request("POST", "/run?ids=1%2C2&n=%27", (FORM,), b"id=1000&name=O%27Brien%3B&x=%C3%A9")
    plain = neutral(request)
    assert plain.target == "/run?ids=1%2C2&n=xxx"
    assert plain.body == b"id=1000&name=OxxxBrienxxx&x=xxxxxx"
    assert neutral(plain) == plain


def test_json_stays_json_in_neutral_letters() -> None:
    body = json.dumps([{"name": "é'; DROP"}]).encode()
    plain = neutral(Request("POST", "/run", (), body))
    assert len(plain.body) == len(body)
    assert json.loads(plain.body) == [{"name": "xxxxxxxx DROP"}]


def test_an_own_origin_replaces_what_was_there() -> None:
    request = from_page_of("http://127.0.0.1:80")(Request("POST", "/run", (HOST, ("origin", "null"))))
    assert ("Origin", "http://127.0.0.1:80") in request.headers
    assert ("origin", "null") not in request.headers
