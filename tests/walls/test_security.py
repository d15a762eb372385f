"""Security told from size: a guard that refuses for one reason each, and experiments that find which."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.model.answer import Answer
from harness.model.limits import Meaning
from harness.probes.walls.security import Experiments, classify

CSRF = b"<p>CSRF verification failed. Request aborted.</p>"
Guard = Callable[[dict[str, object]], Answer]


def page(status: int, body: bytes = b"", **headers: str) -> Answer:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Answer(status, "", pairs, body, len(body), complete=True)


def trial(guard: Guard, *, pause: bool = True) -> Experiments:
    """Presses with `items` items against `guard`; `rested` becomes true with the pause."""
    state: dict[str, object] = {"rested": False, "presses": 0}

    def press(items: int, **more: object) -> Callable[[], Answer]:
        def attempt() -> Answer:
            state["presses"] = int(str(state["presses"])) + 1
            return guard({"items": items, "text": "o'; DROP", "token": "fresh", **state, **more})

        return attempt

    return Experiments(
        full=press(1000),
        one=press(1, text="short"),
        half=press(500, text="o'; DROP"),
        neutral=press(1000, text="neutral"),
        own_origin=press(1, text="short", origin="own"),
        pause=(lambda: state.update(rested=True)) if pause else None,
    )


TAKEN = page(200, b'{"ok": true}')
GUARDS: dict[str, tuple[Guard, Meaning | None]] = {
    "csrf": (lambda press: page(403, CSRF), "csrf"),
    "csrf in Laravel": (lambda press: page(419, b"Page Expired"), "csrf"),
    "csrf in Flask": (lambda press: page(400, b"<p>The CSRF token is missing.</p>"), "csrf"),
    "antiforgery": (lambda press: page(400, b"", Server="Kestrel"), "csrf"),
    "origin": (
        lambda press: TAKEN if press.get("origin") else page(403, b"Origin checking failed"),
        "origin",
    ),
    "login redirect": (lambda press: page(302, b"", Location="/login/?next=/run"), "login"),
    "login page": (lambda press: page(200, b'<form><input name="p" type="password"></form>'), "login"),
    "content": (lambda press: page(403, b"Forbidden") if press["text"] == "o'; DROP" else TAKEN, "waf"),
    "rate": (lambda press: TAKEN if press["rested"] else page(503, b"<center>nginx</center>"), "rate"),
    "rate 429": (lambda press: TAKEN if press["rested"] else page(429), "rate"),
    "size": (lambda press: page(400, b"Bad") if int(str(press["items"])) > 600 else TAKEN, "size"),
    "access": (lambda press: page(403, b"<center>nginx</center>"), "access"),
    "silence": (lambda press: page(400, b"no"), "silent"),
    "broken": (lambda press: page(500, b"Internal Server Error"), "error"),
    "no such path": (lambda press: page(404, b"Not Found"), None),
    "down": (lambda press: page(502, b"Bad Gateway"), None),
}


@pytest.mark.parametrize("name", GUARDS)
def test_each_cause_is_told_by_experiments(name: str) -> None:
    guard, meaning = GUARDS[name]
    rejection = classify("batch", "by form", 1000, trial(guard))
    assert rejection.meaning == meaning, rejection
    assert len(rejection.experiments) <= 7
    assert all(step.saw for step in rejection.experiments)
    assert (meaning is not None) or rejection.why_unsure


@pytest.mark.parametrize(("poison", "meaning"), [(True, "waf"), (False, "size")])
def test_one_bad_item_in_the_other_half_is_not_taken_for_size(poison: bool, meaning: str) -> None:
    forbidden = page(403, b"Forbidden")
    trial = Experiments(
        full=lambda: forbidden,
        one=lambda: TAKEN,
        half=lambda: TAKEN,
        other_half=lambda: forbidden if poison else TAKEN,
    )
    assert classify("batch", "by form", 1000, trial).meaning == meaning


def test_a_passing_trouble_is_no_rejection() -> None:
    rejection = classify("batch", "by form", 1000, trial(lambda press: TAKEN))
    assert rejection.meaning is None
    assert "now passes" in rejection.why_unsure


def test_without_a_connection_nothing_is_said_about_security() -> None:
    rejection = classify("batch", "by form", 9, trial(lambda press: Answer(fate="refused", error="gone")))
    assert rejection.meaning is None
    assert "no connection" in rejection.why_unsure


def test_one_status_has_several_causes() -> None:
    """403 alone says nothing: the page and the experiments tell a token from a rule on content."""
    told = {
        classify("b", "t", 9, trial(GUARDS[name][0])).meaning
        for name in ("csrf", "content", "origin", "access")
    }
    assert told == {"csrf", "waf", "origin", "access"}
