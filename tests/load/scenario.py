"""Load in scenarios: a caller that sends one request a user, a downstream alone, and other users meanwhile."""

from harness import Effect, Load, Outcome, Population, Process, Progress, Scenario, Service, trigger


class Caller(Scenario):
    """No button: one request for each user."""

    usual, scales, quiet = 60, (1, 2), "0s"
    population = Population.spec("id", "amount")

    shop = Service(
        port=8000, ready="/health", process=Process(command="python shop.py {port} 0.005 8", cwd="tests/load")
    )
    items = Load(shop, "POST", "/pay", json={"id": "{id}", "amount": "{amount}"}, concurrency=4)
    downstream = Load(shop, "GET", "/balance/{id}", concurrency=4)

    def effects(self, live):
        return [Effect(item) for item in live.shop.get("/ledger", whole=True).expect().json()]


class Wide(Caller):
    """The same, for workers on other machines: the service listens on all addresses."""

    shop = Service(
        port=8000,
        ready="/health",
        env={"SHOP_HOST": "0.0.0.0"},
        process=Process(command="python shop.py {port} 0.005 8", cwd="tests/load"),
    )
    items = Load(shop, "POST", "/pay", json={"id": "{id}", "amount": "{amount}"}, concurrency=4)
    downstream = Load(shop, "GET", "/balance/{id}", concurrency=4)


class Both(Caller):
    """A button, and what the batch asks of its service for each user."""

    scales = (1,)
    shop, downstream = Caller.shop, None
    items = Load(shop, "POST", "/pay", json={"id": "{id}", "amount": "{amount}"}, concurrency=4)

    @trigger("JSON list")
    def by_json(self, live, users):
        return live.shop.post("/batch", json=[user.id for user in users])

    def outcomes(self, live):
        return [Outcome(item, "ok") for item in live.shop.get("/ledger", whole=True).expect().json()]

    def progress(self, live):
        done, running = live.shop.get("/progress").expect().json()
        return Progress(done, 0, running)


class Batch(Scenario):
    """A batch that takes all the room of its service, and users who ask meanwhile."""

    usual, scales, quiet = 80, (1,), "0s"
    population = Population.spec("id", "amount")

    shop = Service(
        port=8000, ready="/health", process=Process(command="python shop.py {port} 0.03 3", cwd="tests/load")
    )
    background = Load(shop, "GET", "/balance/{id}", arrival="open", rate=12)
    downstream = Load(shop, "GET", "/balance/{id}", concurrency=2)

    @trigger("JSON list")
    def by_json(self, live, users):
        return live.shop.post("/batch", json=[user.id for user in users])

    def outcomes(self, live):
        return [Outcome(item, "ok") for item in live.shop.get("/ledger", whole=True).expect().json()]

    def effects(self, live):
        return [Effect(item) for item in live.shop.get("/ledger", whole=True).expect().json()]

    def progress(self, live):
        done, running = live.shop.get("/progress").expect().json()
        return Progress(done, 0, running)
