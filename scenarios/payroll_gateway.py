"""A payroll on Starlette behind nginx: another server chain, other walls, the same rehearsal.

Shows: a gateway that runs as a process in front of a service (`fronts`), and three ways in of which one gets through.
Needs nginx, starlette and python-multipart (`sh fixtures/servers/install.sh`).
"""

from __future__ import annotations

from collections.abc import Iterator

from harness import Live, Outcome, Process, Progress, Response, Scenario, Service, SyntheticUser, trigger


class PayrollGateway(Scenario):
    """Pays everybody at the end of the month, usually 300 people."""

    usual, scales = 300, (1, 2, 5)

    payroll = Service(
        port=8000,
        ready="/items",
        process=Process(
            command="python -m uvicorn payroll:app --host 127.0.0.1 --port {port} --log-level warning",
            cwd="fixtures/batches",
        ),
    )
    gate = Service(
        port=8080,
        ready="/items",
        fronts=payroll,
        process=Process(command="sh fixtures/gateways/start.sh nginx {port} {payroll.port} {scratch}/gate"),
    )

    @trigger("ids in the URL")
    def by_url(self, live: Live, users: list[SyntheticUser]) -> Response:
        return live.payroll.get("/run", params=[("id", user.id) for user in users])

    @trigger("form with a field per person")
    def by_form(self, live: Live, users: list[SyntheticUser]) -> Response:
        return live.payroll.post("/run", data=[("id", user.id) for user in users])

    @trigger("JSON list")
    def by_json(self, live: Live, users: list[SyntheticUser]) -> Response:
        return live.payroll.post("/run", json=[user.id for user in users])

    def outcomes(self, live: Live) -> Iterator[Outcome]:
        for item, said in live.payroll.get("/items", whole=True).expect(200).json():
            yield Outcome(item=item, said=said)

    def progress(self, live: Live) -> Progress:
        return Progress(len(list(self.outcomes(live))), 0, running=False)
