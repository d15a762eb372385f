"""A batch that hangs wherever a test wants it to."""

from harness import Effect, Outcome, Process, Progress, Scenario, Service, trigger


class Hangs(Scenario):
    """Answers all, but for WHERE."""

    usual, scales, quiet = 3, (1,), "0.2s"

    batch = Service(
        port=8000,
        ready="/ready",
        ready_within="600s",
        process=Process(command="python hangs.py {port} WHERE", cwd="tests/toy"),
    )

    def seed(self, live, users):
        live.batch.post("/seed", json=[user.id for user in users]).expect()

    @trigger("button")
    def button(self, live, users):
        return live.batch.post("/run")

    def progress(self, live):
        return Progress(len(live.batch.get("/progress").expect().json()), 0, False)

    def outcomes(self, live):
        return [Outcome(item, "ok") for item in live.batch.get("/outcomes").expect().json()]

    def effects(self, live):
        return [Effect(item) for item in live.batch.get("/effects").expect().json()]
