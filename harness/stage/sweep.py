"""Removes by label what a stage has made in the engine.

By label, and not by what the stage remembers: a signal may arrive between the engine's making a thing and our hearing
of it. For the same reason an interrupted stage looks again until nothing new has turned up for a while.
"""

from __future__ import annotations

import time
from typing import Any

import docker
from docker.errors import APIError, NotFound

STAGE_LABEL = "rehearse.stage"
EMPTY_PASSES = 3
PAUSE = 0.3


def sweep(client: docker.DockerClient, stage: str, *, interrupted: bool) -> list[str]:
    """Removes containers and networks of the stage. Returns what could not be removed, and why."""
    wanted = {"label": f"{STAGE_LABEL}={stage}"}
    empty, problems = 0, []
    while empty < (EMPTY_PASSES if interrupted else 1):
        found = [*client.api.containers(all=True, filters=wanted), *client.api.networks(filters=wanted)]
        problems = [problem for thing in found if (problem := _remove(client, thing))]
        if problems and len(problems) == len(found):
            return problems
        empty = 0 if found else empty + 1
        if interrupted:
            time.sleep(PAUSE)
    return problems


def _remove(client: docker.DockerClient, thing: dict[str, Any]) -> str:
    try:
        if "Image" in thing:
            client.api.remove_container(thing["Id"], force=True, v=True)
        else:
            client.api.remove_network(thing["Id"])
    except NotFound:
        return ""
    except APIError as problem:
        if "already in progress" in str(problem):
            return ""
        return f"{thing.get('Name') or thing.get('Names')}: {problem.explanation}"
    return ""
