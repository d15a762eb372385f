"""Explains CODE, the code of a finding such as URL-001: what was seen, what lies behind, what to change.

\b
rehearse explain URL-001
rehearse explain --json MEM-001
"""

from __future__ import annotations

import difflib

import click
import msgspec

from harness.errors import UsageError
from harness.model.codes import explain, explanations


@click.command("explain", help=__doc__)
@click.argument("code")
@click.option("--json", "machine", is_flag=True, help="Print one JSON document.")
def command(code: str, machine: bool) -> None:
    found = explain(code)
    if found is None:
        near = difflib.get_close_matches(code.strip().upper(), explanations(), n=1, cutoff=0.5)
        raise UsageError(
            f"there is no code {code!r}",
            expected=f"one of {', '.join(explanations())}",
            fix=f"did you mean {near[0]}?" if near else "",
        )
    if machine:
        click.echo(msgspec.json.encode(found))
        return
    click.echo(f"{found.code}  {found.title}")
    for label, text in (("seen", found.text), ("cause", found.cause), ("remedy", found.remedy)):
        click.echo(f"\n{label}\n{click.wrap_text(' '.join(text.split()), 88, '  ', '  ')}")
