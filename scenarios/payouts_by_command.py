"""A batch that is a command, as cron would start it: `pay.py` in the batch's container, or beside its process.

Shows: `live.batch.run(...)` as a trigger, and `readers.inside(...)`. The batch marks a person as taken before it pays
them; PAY_MARK=last marks after it. Killed in between, the one loses a person, and the other pays them twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from harness import (
    Build,
    Effect,
    Live,
    Outcome,
    Process,
    Progress,
    Response,
    Scenario,
    Service,
    SyntheticUser,
    trigger,
)
from harness.probes import readers

MARK = os.environ.get("PAY_MARK", "first")
IMAGE = Build("fixtures/queue")


def house(name: str, **env: str) -> Service:
    """A bank, or a ledger."""
    kept = {"HOUSE_KEPT": f"{{scratch}}/{name}"}
    run = Process(command="python house.py {port}", cwd="fixtures/queue", env=kept)
    return Service(build=IMAGE, command="python3 house.py 8000", port=8000, ready="/", env=env, process=run)


class PayoutsByCommand(Scenario):
    """Pays everybody who is named on its command line, usually 40 people."""

    usual, scales = 40, (1, 2)
    begins, patience, quiet = "1s", "5s", "0.5s"

    bank = house("bank", CHECK_MS="15")
    ledger = house("ledger", PAY_MS="15")
    batch = Service(  # it only waits: the command is started in it
        build=IMAGE,
        command="sleep infinity",
        port=0,
        # A kill of the batch comes while each house is held still: with a person looked up, or just being paid.
        calls=[bank, ledger],
        env={"BANK_URL": "{bank.url}", "LEDGER_URL": "{ledger.url}", "MARK": MARK, "MARKS": "/app/marks"},
        process=Process(command="sleep infinity", cwd="fixtures/queue", env={"MARKS": "{scratch}/marks"}),
    )

    @trigger("command with a person an argument")
    def by_command(self, live: Live, users: list[SyntheticUser]) -> Response:
        return live.batch.run(["python3", "pay.py", *(user.id for user in users)])

    def outcomes(self, live: Live) -> Iterator[Outcome]:
        rows = readers.inside(live.batch, ["python3", "pay.py"], names=("person", "said"))
        return readers.outcomes(rows, item="person", words={"paid": "ok", "taken": "unknown"})

    def effects(self, live: Live) -> Iterator[Effect]:
        return readers.effects(readers.http(live.ledger, "/ledger", names=("item",)))

    def progress(self, live: Live) -> Progress:
        said = [outcome.said for outcome in self.outcomes(live)]
        return Progress(said.count("ok"), 0, running=live.batch.at_work > 0)
