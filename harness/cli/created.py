"""Lists what the rehearsal RUN has put in where services already ran (staging), so that it can be removed there.

One user a line: the id, and the marker that the scenario could store with it (`user.marker`). A user who is listed
may not be there: the list is written before anything is sent.

\b
rehearse created reports/mine/latest
rehearse created reports/mine/latest --ids | xargs -n 1 ./remove-user
rehearse created reports/mine/latest --json
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.screen import json_option, put_json
from harness.drive.performance import CREATED
from harness.model.record import Record
from harness.report.text import inert


@click.command("created", help=__doc__)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--ids", is_flag=True, help="The ids alone.")
@json_option
def command(run: Path, ids: bool, machine: bool) -> None:
    record = Record(run)
    table = record.table(CREATED)
    items, markers = table.get("item", []), table.get("marker", [])
    if machine:
        told = {
            "run": record.manifest.run,
            "stage": record.manifest.stage,
            "items": items,
            "markers": markers,
        }
        put_json(told)
        return
    for item, marker in zip(items, markers, strict=True):
        click.echo(inert(item if ids else f"{item}\t{marker}").replace("\n", " "))
    if not items:
        where = f"stage {record.manifest.stage}"
        click.echo(
            f"nothing was put in where it stays ({where}): what that stage held went with it", err=True
        )
