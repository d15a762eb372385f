"""Explains CODE, the code of a finding: what was seen, what usually lies behind, and what to change.

\b
rehearse explain URL-001
rehearse explain --list
"""

from __future__ import annotations

import difflib

import click

from harness.errors import UsageError
from harness.model.codes import explain, explanations


@click.command("explain", help=__doc__)
@click.argument("code", required=False)
@click.option("--list", "every", is_flag=True, help="Print every code with its title.")
def command(code: str | None, every: bool) -> None:
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
    click.echo(f"{told.code}  {told.title}")
    for heading, text in (("", told.text), ("Likely cause", told.cause), ("What to do", told.remedy)):
        click.echo(f"\n{heading + ': ' if heading else ''}{text.strip()}")


def _near(code: str) -> str:
    near = difflib.get_close_matches(code.strip().upper(), list(explanations()), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(near)}?" if near else "`rehearse explain --list` shows them all"
