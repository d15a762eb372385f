"""Opens the stage that was asked for: containers where an engine answers, else plain processes; or what runs."""

from __future__ import annotations

from collections.abc import Mapping
from ssl import SSLContext

from harness.drive.tls import tls_for
from harness.loading import Loaded
from harness.model.scenario import Scenario
from harness.model.stage import OpenStage
from harness.stage import Engine, container_stage, find_engine, need_engine, process_stage
from harness.stage.attach import Site, attach_stage


def engine_for(stage: str, scenario: Scenario) -> tuple[Engine | None, str]:
    """The engine to use for `auto`, `docker` or `process`, or None for the process stage, and why."""
    services = scenario.services().values()
    if stage == "auto" and all(
        service.process and not (service.build or service.image) for service in services
    ):
        return None, "no service says how it runs in a container"
    if stage == "docker":
        return need_engine(), "asked for"
    if stage == "process":
        return None, "asked for"
    found = find_engine()
    if isinstance(found, Engine):
        return found, f"engine {found.version} answers"
    return None, f"no container engine: {found.why}"


def opener(loaded: Loaded, engine: Engine | None, images: Mapping[str, str]) -> OpenStage:
    """What opens a fresh stage each time it is called."""
    if engine:
        return lambda tapped=(): container_stage(engine, loaded.scenario, images, loaded.root, tapped)
    return lambda tapped=(): process_stage(loaded.scenario, loaded.root, tapped)


def attach_opener(loaded: Loaded, site: Site, mark: str) -> OpenStage:
    """What opens the stage of services that already run."""
    contexts = speak_as_attached(loaded, site)
    return lambda tapped=(): attach_stage(loaded.scenario, loaded.root, site, contexts, mark)


def speak_as_attached(loaded: Loaded, site: Site) -> dict[str, SSLContext | None]:
    """From here on the scenario's services speak as they do where they are attached: TLS or not, and for which
    name. Returns the TLS contexts by service."""
    contexts: dict[str, SSLContext | None] = {}
    for name, place in site.places.items():
        service = loaded.scenario.services()[name]
        assert service.attach is not None
        secure = place.wanted.scheme == "https"
        service.tls = service.attach.tls if secure else ""
        if service.tls not in ("", "system", "unchecked"):
            service.tls = str(loaded.root / service.tls)
        service.tls_name = place.wanted.host
        tls = tls_for(service)
        contexts[name] = tls.context if tls else None
    return contexts
