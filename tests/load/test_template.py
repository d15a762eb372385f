"""From a template to bytes on the wire."""

import json

import pytest

from harness.drive.locust.template import check_fields, take_apart
from harness.drive.locust.terms import Template
from harness.errors import UsageError

USER = {"id": "7", "name": 'Zoë "Z" 100%', "age": 41}


def wire(**asks: object) -> bytes:
    (found,) = take_apart(
        Template(**({"base": "http://batch:80", "method": "POST", "path": "/pay"} | asks))
    ).wires([USER])  # type: ignore[arg-type]
    return found


def test_a_json_body_has_the_fields_values_and_keeps_their_types() -> None:
    head, _, body = wire(
        json={"who": "{name}", "age": "{age}", "note": "user {id}, 5% \\ {", "list": ["{id}", 1, None]}
    ).partition(b"\r\n\r\n")
    assert json.loads(body) == {
        "who": USER["name"],
        "age": 41,
        "note": "user 7, 5% \\ {",
        "list": ["7", 1, None],
    }
    assert f"Content-Length: {len(body)}".encode() in head and b"Content-Type: application/json" in head


def test_a_path_is_percent_encoded() -> None:
    assert wire(path="/pay/{name}?a=50%25").startswith(
        b"POST /pay/Zo%C3%AB%20%22Z%22%20100%25?a=50%25 HTTP/1.1\r\nHost: batch:80\r\n"
    )


def test_a_form_is_encoded_as_a_browser_does() -> None:
    assert wire(form={"full name": "{name} & co"}).endswith(b"full+name=Zo%C3%AB+%22Z%22+100%25+%26+co")


def test_a_get_has_no_body_and_a_post_without_one_says_so() -> None:
    assert b"Content-Length" not in wire(method="GET")
    assert b"Content-Length: 0\r\n\r\n" in wire()


def test_a_field_that_users_do_not_have_is_named() -> None:
    asks = Template(base="http://a", method="GET", path="/{nmae}")
    with pytest.raises(UsageError, match=r"\{nmae\}"):
        check_fields(asks, ["id", "name"], "items")
