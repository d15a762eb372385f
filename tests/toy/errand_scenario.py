"""Rehearses the errand, a toy batch with a downstream. Tests write variants of this file."""

from harness import Effect, Outcome, Process, Progress, Scenario, Service, trigger


class Errands(Scenario):
    """Runs an errand for each user."""

    usual, scales = 12, (1,)
    patience, quiet = "3s", "0.2s"

    shop = Service(
        build="tests/toy",
        command="python3 /shop.py 8000",
        port=8000,
        ready="/health",
        memory="64 MiB",
        process=Process(command="python shop.py {port}", cwd="tests/toy"),
    )
    batch = Service(
        build="tests/toy",
        command="python3 /errand.py 8000",
        port=8000,
        ready="/health",
        memory="64 MiB",
        calls=[shop],
        env={"SHOP_URL": "{shop.url}"},
        process=Process(command="python errand.py {port}", cwd="tests/toy"),
    )

    @trigger("JSON list")
    def by_json(self, live, users):
        return live.batch.post("/run", json=[user.id for user in users])

    def outcomes(self, live):
        return [Outcome(*row) for row in live.batch.get("/items").expect().json()["items"]]

    def effects(self, live):
        return [Effect(item) for item in live.shop.get("/ledger").expect().json()]

    def progress(self, live):
        told = live.batch.get("/items").expect().json()
        said = [row[1] for row in told["items"]]
        return Progress(said.count("ok"), said.count("failed"), told["working"])
