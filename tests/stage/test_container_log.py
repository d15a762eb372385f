"""A container's log is read in memory that does not grow with it, and what the engine dropped is told."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from harness.model.stage import Logged
from harness.stage import Engine
from harness.stage.attach.sources import EngineContainer
from harness.stage.base_image import base_image
from harness.stage.container_log import DROPPED, HEADER, NOT_READ_ON, engine_log
from harness.stage.container_options import LOG_CONFIG
from harness.stage.engine import is_podman
from harness.stage.labels import labels
from harness.stage.logs import HEAD, TAIL, HeadAndTail
from tests.faults.toys import until

MIB = 2**20


class Answer:
    """An engine that answers with a log of `lines` lines, in frames that are cut anywhere."""

    ok = True

    def __init__(self, lines: int, line: bytes) -> None:
        self._frame = HEADER.pack(1, len(line)) + line
        self._lines, self._left = lines, b""
        self.raw = self

    def read(self, size: int) -> bytes:
        while self._lines and len(self._left) < size:
            self._left += self._frame
            self._lines -= 1
        part, self._left = self._left[:size], self._left[size:]
        return part

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *problem: object) -> None:
        pass


class Fake:
    """A container of such an engine."""

    id = "abc"
    base_url, api_version, timeout = "http://engine", "1.41", 5

    def __init__(self, answer: Answer) -> None:
        self.client = self.api = self
        self._answer, self.attrs = answer, {"Config": dict[str, Any]()}

    def get(self, url: str, **how: Any) -> Answer:
        return self._answer


def test_both_ends_are_kept_whatever_the_parts() -> None:
    keeping, text = HeadAndTail(), bytes(range(256)) * (12 * MIB // 256)
    for start in range(0, len(text), 99_991):
        keeping.take(text[start : start + 99_991])
    kept = keeping.kept()
    assert keeping.written == len(text)
    assert kept.startswith(text[:HEAD] + b"\n[rehearse: ") and kept.endswith(b"]\n" + text[-TAIL:])
    assert f"{len(text) - HEAD - TAIL} bytes left out".encode() in kept


def test_a_log_that_others_let_grow_is_never_held_as_a_whole() -> None:
    answer = Answer(6400, b"x" * (MIB // 64))
    tracemalloc.start()
    logged = engine_log(Fake(answer), bounded=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert logged.written == 100 * MIB and logged.whole
    assert len(logged.kept) < HEAD + TAIL + 100
    assert peak < 30 * MIB, f"{peak / MIB:.0f} MiB"


def test_a_log_that_takes_too_long_is_not_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.stage.container_log.LONGEST", -1.0)
    logged = engine_log(Fake(Answer(640, b"x" * (MIB // 64))), bounded=False)
    assert not logged.whole and logged.kept.endswith(NOT_READ_ON)
    assert logged.written is not None and logged.written < 2 * MIB


@pytest.mark.engine
def test_a_container_of_others_is_read_and_never_touched(engine: Engine) -> None:
    made = engine.client.containers.run(
        base_image(engine.client, "debian:bookworm-slim"),
        ["python3", "-u", "-c", "import time; held = bytearray(30 * 2**20); print('up'); time.sleep(600)"],
        detach=True,
        labels=labels(),
        mem_limit=64 * MIB,
    )
    try:
        theirs = EngineContainer(made.name, lambda: engine)
        theirs._since -= 60
        assert until(lambda: isinstance(said := theirs.logs(), Logged) and said.kept == b"up\n", 60)
        reading = theirs.read()
        assert reading is not None and 30 * MIB < reading.held < 60 * MIB
        assert theirs.limit == 64 * MIB
        assert made.attrs["RestartCount"] == 0 and made.status != "exited"
    finally:
        made.remove(force=True)
    assert theirs.read() is None
    assert "does not tell" in str(theirs.logs())


@pytest.mark.engine
@pytest.mark.parametrize("lines", [1000, 310_000])
def test_of_a_real_engine_a_short_log_is_whole_and_a_long_one_is_told_as_cut(
    engine: Engine, lines: int
) -> None:
    made = engine.client.containers.run(
        base_image(engine.client, "debian:bookworm-slim"),
        ["sh", "-c", f"yes | head -n {lines}; echo end"],
        detach=True,
        labels=labels(),
        log_config=LOG_CONFIG,
    )
    try:
        made.wait()
        logged = engine_log(made, bounded=True)
    finally:
        made.remove(force=True)
    if is_podman(engine.client.api):
        assert logged.written is None and not logged.whole and logged.kept.endswith(b"end\n")
    elif lines == 1000:
        assert (logged.kept, logged.written, logged.whole) == (b"y\n" * 1000 + b"end\n", 2004, True)
    else:
        assert not logged.whole and logged.kept.startswith(DROPPED)
        assert logged.written is not None and logged.written < 310_000 * 2
        assert logged.rate is not None and logged.rate > 1000
