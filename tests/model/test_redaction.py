"""No artefact shows a secret: by value in every form, by name, and by its look in a URL; evidence stays."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from harness.errors import UsageError
from harness.model import redaction
from harness.model.lines import documents, sealed
from harness.model.redaction import SECRET_NAME, clean, clean_bytes, clean_column, clean_tree
from harness.model.secret import Secret
from harness.model.secret_values import Secrets

AWKWARD = "p\"q\\r/s<t>u&v w+x'y=é"
ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": lambda value: json.dumps(value),
    "JSON in JSON": lambda value: json.dumps(json.dumps(value)),
    "URL": lambda value: quote(value, safe=""),
    "form": quote_plus,
    "hex": lambda value: value.encode().hex(),
    "HTML": html.escape,
    "shell": shlex.quote,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 after one": lambda value: base64.b64encode(b"u" + value.encode() + b"w").decode(),
    "base64 after two": lambda value: base64.b64encode(b"u:" + value.encode()).decode(),
    "base64 for URLs": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
}


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Secrets:
    """The registry, empty, as all of the house uses it."""
    fresh = Secrets()
    monkeypatch.setattr(redaction, "SECRETS", fresh)
    return fresh


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("value", ["hunter2hunter2", AWKWARD, "Zm9v/ab+cd/ef+gh=="])
def test_a_known_value_is_masked_in_every_form(encoding: str, value: str, secrets: Secrets) -> None:
    secrets.add(value)
    text = f"before {ENCODINGS[encoding](value)} after"
    masked = secrets.mask(text)
    assert masked != text and masked.startswith("before ") and masked.endswith(" after")
    core = re.sub(r"\W", "", ENCODINGS[encoding](value))[4:-4]
    assert core not in re.sub(r"\W", "", masked)
    assert secrets.mask_bytes(text.encode()) == masked.encode()


def test_a_short_secret_is_masked_only_as_a_word_of_its_own(secrets: Secrets) -> None:
    secrets.add("friday")
    assert secrets.mask("pw friday, friday_payouts, Friday") == "pw ***, friday_payouts, Friday"


def test_with_many_secrets_each_is_found_and_the_longest_wins(secrets: Secrets) -> None:
    for k in range(50):
        secrets.add(f"canary-{k:02}")
        secrets.add(f"canary-{k:02}-longer")
    text = " ".join(f"canary-{k:02} canary-{k:02}-longer" for k in range(50))
    assert secrets.mask(text) == " ".join(["***"] * 100)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password=hunter2 ok", "password=*** ok"),
        ('{"access_token": "abc def", "x": 1}', '{"access_token": "***", "x": 1}'),
        (r"{\"token\":\"ab c\",\"y\":2}", r"{\"token\":\"***\",\"y\":2}"),
        ("Cookie: sid=8f3; lang=en", "Cookie: sid=***; lang=***"),
        ("Set-Cookie: sessionid=abc; Path=/; HttpOnly", "Set-Cookie: sessionid=***; Path=/; HttpOnly"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("curl -H 'X-Import-Token: nightly' x", "curl -H 'X-Import-Token: ***' x"),
        ("('X-Token', 'abc')", "('X-Token', '***')"),
        (r'{"told": "hello\nCookie: sid=8f3\nkey=abc"}', r'{"told": "hello\nCookie: sid=***\nkey=***"}'),
        ("postgres://app:pw@db/x", "postgres://app:***@db/x"),
        ("GET /hook?sig=pN4xZabQ8dk3kkMMz1q0Ab", "GET /hook?sig=***"),
        ("https://hooks.example/T00/abcDEF123456abcDEF123456abcd/x", "https://hooks.example/T00/***/x"),
        ('<input name="csrfmiddlewaretoken" value="abc">', '<input name="csrfmiddlewaretoken" value="***">'),
        ("<db-password>x y</db-password>", "<db-password>***</db-password>"),
        ("AWS_SECRET_ACCESS_KEY: 'a b'", "AWS_SECRET_ACCESS_KEY: '***'"),
        ("session=abc credential=def passwd=ghi auth=jkl", "session=*** credential=*** passwd=*** auth=***"),
    ],
)
def test_what_stands_behind_a_secret_name_is_masked(text: str, expected: str) -> None:
    assert clean(text) == expected == clean(expected)
    assert clean_bytes(text.encode()) == expected.encode()


@pytest.mark.parametrize(
    "text",
    [
        "sha256=" + "0123456789abcdef" * 4,
        "key of user-17 is a duplicate: Key (id)=(5) already exists",
        "CSRF token: missing. The session: expired",
        "author: Bob; keyboard: qwerty; monkey=5; sessions=12; config_key",
        "GET /payouts/run?ids=5751877%2C5751878%2C5751879%2C5751880%2C5751881",
        "/x?digest=" + "0123456789abcdef" * 4 + "&id=6f1c9c8e-1d2e-4f7b-9c61-1b1c5d0d7a10",
        "users whose name has a non-ASCII letter fail: José, 9 tries @ 3x",
        "https://batch.example/payouts/status?summary=1",
    ],
)
def test_evidence_stays(text: str) -> None:
    assert clean(text) == text


def test_headers_are_known_by_their_name_and_invented_users_stay() -> None:
    tree = {
        "headers": [["Set-Cookie", "sid=abc; Path=/"], ["X-Api-Key", "abc"], ["Server", "nginx"]],
        "example": {"name": "key=abc"},
        "key": "complete",
    }
    assert clean_tree(tree) == {
        "headers": [["Set-Cookie", "sid=***; Path=/"], ["X-Api-Key", "***"], ["Server", "nginx"]],
        "example": {"name": "key=abc"},
        "key": "complete",
    }


def test_a_column_is_cleaned_cell_by_cell() -> None:
    assert clean_column(["a", "token=b", "c"]) == ["a", "token=***", "c"]
    assert clean_column([1.5, None]) == [1.5, None]


@pytest.mark.parametrize(
    "text", ["token=" * 20_000, "https://" + "a" * 100_000, '[("token",' * 9_000, "\\" * 99_999 + "=key"]
)
def test_hostile_text_is_cleaned_whole(text: str) -> None:
    assert clean(f"{text}\npassword=hunter2").endswith("\npassword=***")


def test_a_secret_says_where_it_comes_from_and_not_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGING_PASSWORD", "correct-horse")
    (tmp_path / "pw").write_text("battery-staple\n")
    here, there = Secret.env("STAGING_PASSWORD"), Secret.file(tmp_path / "pw")
    assert "correct" not in f"{here!r} {here} {vars(here)}" and "STAGING_PASSWORD" in repr(here)
    assert (here.reveal(), there.reveal()) == ("correct-horse", "battery-staple")
    assert clean("it was correct-horse, then battery-staple") == "it was ***, then ***"


@pytest.mark.parametrize("value", ["", "abc"])
def test_a_secret_that_cannot_be_masked_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORT", value)
    with pytest.raises(UsageError, match="SHORT"):
        Secret.env("SHORT").reveal()


def test_an_environment_gives_its_secrets_by_name_and_keeps_plain_words(secrets: Secrets) -> None:
    environment = {
        "API_TOKEN": "abcd1234",
        "SESSION": "gnome-desktop",
        "AUTH_SOCK": "/run/user/1/x",
        "HOME": "abcd5678",
    }
    secrets.add_named(environment, SECRET_NAME)
    assert (
        secrets.mask("abcd1234 gnome-desktop /run/user/1/x abcd5678")
        == "*** gnome-desktop /run/user/1/x abcd5678"
    )


def test_a_line_that_was_changed_is_not_opened() -> None:
    line = sealed(b'{"event":"x","n":12}')
    hurt, older = line.replace(b"12", b"13"), b'{"n":1}\n'
    assert json.loads(line)["n"] == 12
    assert [document for _, document in documents([line, hurt, older])] == [
        b'{"event":"x","n":12}',
        None,
        None,
    ]
    assert list(documents([older, older])) == [(older, older), (older, older)], (
        "an earlier version had no sums"
    )
