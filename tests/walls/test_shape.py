"""What a reader counts in a request's body, whatever the body's form; and ballast that leaves the items alone."""

from __future__ import annotations

import json

import pytest

from harness.drive.client import Client
from harness.model.request import Request
from harness.probes.walls.changes import neutral, padded
from harness.probes.walls.shape import count, depth, fields, parts

CLIENT = Client("batch", ("127.0.0.1", 80))
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def made(**body: object) -> Request:
    return Request.of(CLIENT.build("POST", "/run?a=1", **body).wire)  # type: ignore[arg-type]


def test_parts_files_and_the_largest_of_them_are_counted() -> None:
    request = made(parts=[("token", "t"), ("f", ("a.csv", b"12345")), ("f", ("b.csv", b"1--2"))])
    kinds = ("parts", "files", "upload", "fields")
    assert [count(kind, request) for kind in kinds] == [3, 2, 5, 1]  # type: ignore[arg-type]
    assert [part.content for part in parts(request)] == [b"t", b"12345", b"1--2"]


@pytest.mark.parametrize(
    ("body", "levels"),
    [
        ({"data": {"id[a][b][c]": "1", "x": "y"}}, 3),
        ({"data": {"id": "[[["}}, 0),
        ({"json": [[{"a": "]]{["}]]}, 3),
        ({"json": {"a": '\\"[', "b": []}}, 2),
        ({"data": b"[[["}, 0),
    ],
)
def test_levels_of_nesting_are_those_of_names_and_documents_and_not_of_texts(body: dict, levels: int) -> None:
    assert depth(made(**body)) == levels


def test_a_form_in_chunks_counts_as_what_it_says() -> None:
    request = made(data=iter([b"id=1", b"&id=2"]), headers=FORM)
    assert (fields(request), count("body", request)) == (3, 9)
    longer = padded(3)(request)
    assert longer.content() == b"id=1&id=2&rehearsal_padding=ppp"
    assert longer.body.endswith(b"\r\n0\r\n\r\n")


def test_ballast_in_a_form_with_files_is_one_more_part() -> None:
    request = made(parts=[("f", ("a.csv", b"1"))])
    longer = padded(7)(request)
    assert [part.content for part in parts(longer)] == [b"p" * 7, b"1"]
    assert count("files", longer) == count("files", request)


def test_neutral_letters_leave_the_frame_of_parts_and_chunks_whole() -> None:
    request = neutral(made(parts=[("f", ("a;b.csv", b"O'Brien; <b>", "text/csv"))]))
    (part,) = parts(request)
    assert part.content == b"OxBrienx xbx"
    assert b'filename="a;b.csv"' in part.head
    assert neutral(made(data=iter([b"a;b"]))).content() == b"axb"
    assert json.loads(neutral(made(json=["a;b"])).body) == ["axb"]


def test_a_token_in_base64_stays_what_it_is() -> None:
    assert neutral(made(data={"t": "a+/=", "x": "<"})).body == b"t=a%2B%2F%3D&x=xxx"
