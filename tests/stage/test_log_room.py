"""The middle of a long log is given back to the disk while it is written; its head and its tail stay."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from harness.stage.log_room import ROOM, LogRoom
from harness.stage.logs import HEAD, TAIL, head_and_tail
from tests.faults.toys import until

MIB = 2**20


def test_a_long_log_takes_little_room_and_keeps_both_its_ends(tmp_path: Path) -> None:
    log = tmp_path / "shop.log"
    with closing(LogRoom(tmp_path)), log.open("ab") as writing:
        writing.write(b"first" + b"x" * 64 * MIB)
        writing.flush()
        assert until(lambda: log.stat().st_blocks * 512 <= ROOM, 60)
        writing.write(b"y" * 32 * MIB + b"last")
        writing.flush()
        assert until(lambda: log.stat().st_blocks * 512 <= ROOM, 60)
    kept = head_and_tail(log)
    assert kept.startswith(b"firstx") and kept.endswith(b"ylast")
    assert f"{log.stat().st_size - HEAD - TAIL} bytes left out here".encode() in kept
    assert len(kept) < HEAD + TAIL + 100
