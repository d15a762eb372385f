"""The verdict in Markdown: for a step summary or a comment on a pull request. Text from outside stays text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from harness.measures.compare import Comparison
from harness.model.finding import Finding, Verdict
from harness.model.record import Record
from harness.report.compared import COLUMNS, cells, comparison, told
from harness.report.curves import finish
from harness.report.ladder import Rung, ladder, safe, walls
from harness.report.text import WORD, inert, rows, sentence, shorten

MOST_BYTES = 65_000  # GitHub takes a comment of 65,536 characters, and a step summary of 1 MiB
MOST_TEXT = 300
SIGN = {"passed": "✅", "broken": "❌", "not seen": "–"}
OBEYED = re.compile(r"([\\`*_{}\[\]()#|~$^]|:(?=//)|(?<=www)\.)", re.I)
CALLED = re.compile(r"([@#])")


def render(verdict: Verdict, record: Record, most: int = MOST_BYTES) -> bytes:
    """The file, at most `most` bytes: what does not fit is counted at the end."""
    text = bytearray()
    left = 0
    for block in _blocks(verdict, record):
        piece = block.encode("utf-8", "replace") + b"\n"
        if left or len(text) + len(piece) > most - 200:
            left += 1
        else:
            text += piece
    if left:
        text += f"\n{left:,} more parts did not fit; report.html and report.json have them.\n".encode()
    return bytes(text)


def escape(text: str) -> str:
    """`text` on one line, with nothing left in it that Markdown or GitHub would obey: markup, links, mentions."""
    flat = " ".join(shorten(inert(text), MOST_TEXT).split())
    flat = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return CALLED.sub("\\1\u200b", OBEYED.sub(r"\\\1", flat))


def _blocks(verdict: Verdict, record: Record) -> Iterator[str]:
    manifest = record.manifest
    yield f"## {WORD[verdict.verdict]}: {escape(manifest.scenario)}\n\n{escape(sentence(verdict, manifest))}\n"
    yield f"Largest safe number of users: **{escape(safe(record, verdict.findings).text)}**\n"
    yield _table(verdict, record)
    moved = comparison(record)
    if moved is not None:
        yield f"### Against the baseline: {told(moved)}\n\n{_moved(moved)}\n"
    for finding in verdict.findings:
        yield _finding(finding)
    if verdict.not_checked:
        yield "### Not checked\n"
        for unseen in verdict.not_checked:
            yield f"- **{escape(unseen.probe)}**: {escape(unseen.why)}"
    yield "\n### Time\n\n" + "\n".join(f"- {escape(line)}" for line in finish(record))
    yield f"\nSeed {manifest.seed}, stage {escape(manifest.stage)}, run {escape(manifest.run)}"


def _table(verdict: Verdict, record: Record) -> str:
    """The ladder by trigger and wall."""
    manifest = record.manifest
    heads = [f"{scale}x = {manifest.usual * scale:,}" for scale in manifest.scales]
    lines = [_row("trigger or wall", heads), _row("---", ["---"] * len(heads))]
    rungs = ladder(record)
    for trigger in manifest.triggers:
        lines.append(_row(escape(trigger), _cells(rung for rung in rungs if rung.trigger == trigger)))
    for finding, at in walls(record, verdict.findings)[:50]:
        lines.append(_row(f"{escape(finding.code)} {escape(finding.title)}", _cells(at)))
    return "\n".join(lines) + "\n"


def _moved(found: Comparison) -> str:
    """What is worse, better or gone, as a table; what stayed the same is counted."""
    lines = [f"- {word} finding: {escape(title)}" for word, titles in (("new", found.new), ("gone", found.gone))
             for title in titles.values()]  # fmt: skip
    changes = [change for change in found.changes if change.word != "same"]
    same = len(found.changes) - len(changes)
    if changes:
        lines += ["", _row(" ", [*COLUMNS[1:]]), _row("---", ["---"] * (len(COLUMNS) - 1))]
        lines += [_row(first, [escape(cell) for cell in rest]) for first, *rest in map(cells, changes)]
    return "\n".join([*lines, "", f"{same} of {len(found.changes)} measures are the same."])


def _cells(rungs: Iterable[Rung]) -> list[str]:
    return [f"{SIGN[rung.state]} {escape(rung.text)}" for rung in rungs]


def _row(head: str, cells: list[str]) -> str:
    return f"| {' | '.join([head, *cells])} |"


def _finding(finding: Finding) -> str:
    text = "\n".join(f"- **{label}** {escape(text)}" for label, text in rows(finding))
    return f"### {finding.severity} {escape(finding.code)} {escape(finding.title)}\n\n{text}\n"
