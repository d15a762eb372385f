"""A newsletter sent by PHP: beyond 1000 people, or 20 files, the rest is dropped, and the answer is 200 all the same.

Shows: silent loss. What arrived is read back from the batch and compared; its reply is not believed. Needs php-cli.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness import Live, Outcome, Process, Progress, Response, Scenario, Service, SyntheticUser, trigger


class NewsletterPhp(Scenario):
    """Writes to everybody who asked for it, usually 400 people."""

    usual, scales = 400, (1, 2, 5)

    newsletter = Service(
        port=8000,
        ready="/items",
        process=Process(
            command="php -n -d display_errors=0 -S 127.0.0.1:{port} fixtures/batches/newsletter.php",
            env={"NEWSLETTER_KEPT": "{scratch}/newsletter.txt"},
        ),
    )

    @trigger("ids in the URL")
    def by_url(self, live: Live, users: list[SyntheticUser]) -> Response:
        return live.newsletter.get("/run", params=[("id[]", user.id) for user in users])

    @trigger("a letter for each")
    def by_files(self, live: Live, users: list[SyntheticUser]) -> Response:
        return live.newsletter.post("/run", parts=[("letters[]", (user.id, "Dear ...")) for user in users])

    @trigger("JSON list")
    def by_json(self, live: Live, users: list[SyntheticUser]) -> Response:
        return live.newsletter.post("/run", json=[user.id for user in users])

    def outcomes(self, live: Live) -> Iterator[Outcome]:
        for item in live.newsletter.get("/items", whole=True).expect(200).json():
            yield Outcome(item=item, said="ok")

    def progress(self, live: Live) -> Progress:
        return Progress(len(list(self.outcomes(live))), 0, running=False)
