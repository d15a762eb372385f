"""The verdict on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.model.finding import Finding, Verdict
from harness.model.record import Record
from harness.report.ladder import ladder, safe
from harness.report.text import WORD, inert, rows, sentence

STYLE = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}
VERDICT_STYLE = {"ready": "bold green", "not_ready": "bold red", "inconclusive": "bold yellow"}
STATE_STYLE = {"passed": "green", "broken": "red", "not seen": "dim"}


def show(verdict: Verdict, record: Record, console: Console) -> None:
    """Prints every finding, the ladder, and what was not seen."""
    manifest = record.manifest
    console.print()
    for finding in verdict.findings:
        _finding(finding, console)
    console.print(_ladder(record))
    if verdict.not_checked:
        console.print(Text("\nnot checked", style="bold"))
        for unseen in verdict.not_checked:
            console.print(Text(f"  {inert(unseen.probe)}: {inert(unseen.why)}"))
    console.print(Text(f"\n{_times(verdict)}", style="dim"))
    console.print(
        Text(f"seed {verdict.seed}, stage {manifest.stage} ({inert(manifest.stage_why)})", style="dim")
    )


def _times(verdict: Verdict) -> str:
    """Where the seconds went; a rehearsal that was killed does not know all of them."""

    def seconds(name: str) -> str:
        return f"{verdict.measurements.get(name, 'an unknown number of')} s"

    return (
        f"{seconds('seconds')} in all: {seconds('batch seconds')} the batch at work, {seconds('stage seconds')}"
        f" starting services; the harness itself used {seconds('harness CPU seconds')} of CPU"
    )


def show_end(verdict: Verdict, record: Record, console: Console) -> None:
    """The verdict in a sentence, and the largest safe number of users: what stands last is read first."""
    manifest = record.manifest
    console.print()
    console.print(
        Text.assemble(
            (WORD[verdict.verdict], VERDICT_STYLE[verdict.verdict]), "  ", inert(sentence(verdict, manifest))
        )
    )
    console.print(Text(f"largest safe number of users: {inert(safe(record, verdict.findings).text)}"))


def _finding(finding: Finding, console: Console) -> None:
    console.print(
        Text.assemble(
            (f"{finding.severity}[{finding.code}]", STYLE[finding.severity]),
            " ",
            (inert(finding.title), "bold"),
        )
    )
    grid = Table.grid(padding=(0, 1))
    grid.add_column(min_width=11, style="dim", justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in rows(finding):
        grid.add_row(Text(label), Text(text))
    console.print(grid)
    console.print()


def _ladder(record: Record) -> Table:
    manifest = record.manifest
    table = Table(title=Text(inert(f"{manifest.scenario}: {manifest.summary}")), title_justify="left")
    table.add_column("trigger")
    for scale in manifest.scales:
        table.add_column(f"{scale}x = {manifest.usual * scale:,} users", overflow="fold")
    rungs = ladder(record)
    for trigger in manifest.triggers:
        cells = [
            Text(inert(rung.text), style=STATE_STYLE[rung.state]) for rung in rungs if rung.trigger == trigger
        ]
        table.add_row(Text(inert(trigger)), *cells)
    return table
