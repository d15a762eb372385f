"""Opens the stage that was asked for: containers where an engine answers, else plain processes."""

from __future__ import annotations

from collections.abc import Mapping

from harness.loading import Loaded
from harness.model.stage import OpenStage
from harness.stage import Engine, container_stage, find_engine, need_engine, process_stage


def engine_for(stage: str) -> tuple[Engine | None, str]:
    """The engine to use for `auto`, `docker` or `process`, or None for the process stage, and why."""
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
