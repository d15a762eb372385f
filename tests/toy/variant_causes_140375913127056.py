"""Rehearses the toy batch. Tests write variants of this file."""

from harness import Effect, Outcome, Population, Process, Progress, Scenario, Service, trigger


class Toy(Scenario):
    """A batch that fits into one file."""

    usual, scales = 150, (1, 2)
    population = Population.spec("id", "name", edges=0.1)
    quiet = "0s"

    batch = Service(
        port=8000,
        ready="/health",
        memory="64 MiB",
        process=Process(command="python batch.py {port}", cwd="tests/toy", env={"TOY_NOTHING": "'"}),
    )

    @trigger("JSON list")
    def by_json(self, live, users):
        return live.batch.post("/run", json=[[user.id, user.name] for user in users])

    def outcomes(self, live):
        return [Outcome(item, said) for item, said in live.batch.get("/items").expect().json()]

    def effects(self, live):
        return [Effect(item) for item in live.batch.get("/ledger").expect().json()]

    def progress(self, live):
        return Progress(len(live.batch.get("/items").expect().json()), 0, False)
