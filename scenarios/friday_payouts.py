"""The Friday payouts: one rehearsal that shows five walls.

Shows: a service with a gateway in front, three triggers with a real login and CSRF token, users put in through the
batch's own import, and reading back what the batch says (its status page) and what really happened (the ledger).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness import (
    Effect,
    Live,
    Outcome,
    Population,
    Process,
    Progress,
    Response,
    Scenario,
    Service,
    SyntheticUser,
    trigger,
)
from harness.probes import readers


class FridayPayouts(Scenario):
    """Pays every user who reached the payout step. Every Friday, usually about 400 users."""

    usual, scales, deadline = 400, (1, 2, 5, 10), "4h"
    patience, quiet = "30s", "1s"
    population = Population.spec("id", "name", "iban", "amount")

    db = Service(build="fixtures/friday/db", port=5432, memory="512 MiB")
    payouts = Service(
        build="fixtures/friday/payouts",
        port=8000,
        memory="128 MiB",
        memory_agent=True,
        ready="/health",
        process=Process(
            command="python -m uvicorn payouts:app --host 127.0.0.1 --port {port}",
            cwd="fixtures/friday/payouts",
            env={"PAYOUTS_LEDGER": "{scratch}/ledger.jsonl"},
        ),
    )
    batch = Service(
        build="fixtures/friday/batch",
        port=8000,
        memory="512 MiB",
        ready="/health",
        calls=[payouts, db],
        env={"PAYOUTS_URL": "{payouts.url}", "BATCH_DB_HOST": "{db.host}"},
        process=Process(
            command="python manage.py serve 127.0.0.1:{port}",
            cwd="fixtures/friday/batch",
            env={"BATCH_SQLITE": "{scratch}/friday.sqlite3"},
        ),
    )
    front = Service(build="fixtures/friday/front", port=8080, memory="128 MiB", ready="/health", fronts=batch)

    def seed(self, live: Live, users: list[SyntheticUser]) -> None:
        for first in range(0, len(users), 1000):
            rows = [
                {"id": user.id, "name": user.name, "iban": user.iban, "amount": user.amount}
                for user in users[first : first + 1000]
            ]
            live.batch.post("/users/import", json=rows, headers={"X-Import-Token": "nightly-import"}).expect(
                200
            )

    def change(self, live: Live, users: list[SyntheticUser]) -> None:
        self.seed(live, users)

    @trigger("ids in the URL")
    def by_url(self, live: Live, users: list[SyntheticUser]) -> Response:
        self._log_in(live)
        return live.batch.get("/payouts/run", params={"ids": ",".join(user.id for user in users)})

    @trigger("form with a field per user")
    def by_form(self, live: Live, users: list[SyntheticUser]) -> Response:
        self._log_in(live)
        fields = {"csrfmiddlewaretoken": live.batch.cookies["csrftoken"]}
        return live.batch.post("/payouts/run", data=fields | {f"user_{user.id}": "on" for user in users})

    @trigger("everyone who is due")
    def everyone(self, live: Live, users: list[SyntheticUser]) -> Response:
        self._log_in(live)
        return live.batch.post("/payouts/run", data={"csrfmiddlewaretoken": live.batch.cookies["csrftoken"]})

    def outcomes(self, live: Live) -> Iterator[Outcome]:
        self._log_in(live)
        rows = readers.http(live.batch, "/payouts/status", at="items", names=("user", "said", "error"))
        return readers.outcomes(rows, item="user", detail="error")

    def effects(self, live: Live) -> Iterator[Effect]:
        return readers.effects(readers.http(live.payouts, "/ledger"), amount="amount", step="step")

    def expected(self, user: SyntheticUser) -> Effect:
        return Effect(item=user.id, amount=user.amount)

    def progress(self, live: Live) -> Progress:
        self._log_in(live)
        summary = live.batch.get("/payouts/status", params={"summary": 1}).expect(200).json()
        counts, run = summary["counts"], summary["run"]
        failed = counts.get("failed", 0) + counts.get("unknown", 0)
        return Progress(counts.get("ok", 0), failed, bool(run and run["state"] == "running"))

    def _log_in(self, live: Live) -> None:
        if "sessionid" in live.batch.cookies:
            return
        page = live.batch.get("/login").expect(200).text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token, "the login page has no CSRF token"
        login = {"csrfmiddlewaretoken": token[1], "username": "admin", "password": "friday"}
        live.batch.post("/login", data=login).expect(302)
