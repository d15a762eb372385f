"""Explains CODE, the code of a finding: what was seen, what usually lies behind, and what to change.

\b
rehearse explain URL-001
rehearse explain --list
rehearse explain --list --json
rehearse explain --pages docs/codes
"""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from harness.cli.completion import codes
from harness.cli.screen import put_json
from harness.errors import EnvironmentProblem, UsageError
from harness.model.codes import explain, explanations
from harness.report.code_pages import code_pages


@click.command("explain", help=__doc__)
@click.argument("code", required=False, shell_complete=codes)
@click.option("--list", "every", is_flag=True, help="Print every code with its title.")
@click.option(
    "--pages",
    type=click.Path(path_type=Path),
    help="Write a page in Markdown for every code into this folder.",
)
@click.option(
    "--json", "machine", is_flag=True, help="Print one JSON document: a code's text, or all of them."
)
def command(code: str | None, every: bool, pages: Path | None, machine: bool) -> None:
    if pages is not None:
        _write_pages(pages, machine)
        return
    if every and machine:
        put_json(list(explanations().values()))
        return
    if every:
        for known in explanations().values():
            click.echo(f"{known.code:<10} {known.title}")
        return
    told = explain(code or "")
    if told is None:
        raise UsageError(
            f"there is no code {code}" if code else "a code is missing",
            expected="the code of a finding, such as URL-001",
            fix=_near(code or ""),
        )
    if machine:
        put_json(told)
        return
    click.echo(f"{told.code}  {told.title}")
    for heading, text in (("", told.text), ("Likely cause", told.cause), ("What to do", told.remedy)):
        click.echo(f"\n{heading + ': ' if heading else ''}{text.strip()}")


def _write_pages(folder: Path, machine: bool) -> None:
    """The pages, and nothing else: a page of a code that is no more goes away."""
    pages = code_pages()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.md"):
            if old.name not in pages:
                old.unlink()
        for name, text in pages.items():
            (folder / name).write_text(text, "utf-8")
    except OSError as problem:
        raise EnvironmentProblem(
            f"the pages cannot be written into {folder}: {problem.strerror}",
            expected="a folder where files can be written",
            fix="give another one",
        ) from problem
    click.echo(f"{len(pages)} pages in {folder}", err=machine)
    if machine:
        put_json({"folder": str(folder), "pages": sorted(pages)})


def _near(code: str) -> str:
    near = difflib.get_close_matches(code.strip().upper(), list(explanations()), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(near)}?" if near else "`rehearse explain --list` shows them all"
