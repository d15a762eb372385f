"""A compose file as a whole: its services, in the words of `facts`."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from harness.compose import values
from harness.compose.document import Table, read_document, read_text
from harness.compose.facts import ComposeFile, ComposeService
from harness.compose.guard import POWERS, Guard
from harness.compose.interpolation import Interpolation, dotenv
from harness.compose.keys import KEYS
from harness.compose.places import Places
from harness.errors import UsageError

FLATTEN = "`docker compose config` writes the file out in full: give what it prints"


def read(
    path: Path, root: Path, *, allow: Collection[str] = (), environ: Mapping[str, str] | None = None
) -> ComposeFile:
    """The services of a compose file within the project `root`. Raises UsageError and Refused."""
    document = read_document(path)
    known = _known(path.parent, os.environ if environ is None else environ)
    filling = Interpolation(known)
    left_out = [f"{key}:" for key in document if not _top_level(key, path, document)]
    told = values.table(document.get("services"), "services")
    if not told:
        raise UsageError(f"{path} has no services", expected="`services:` with at least one in it")
    guard = Guard(root.resolve(), allow)
    volumes = values.table(filling.everywhere(document.get("volumes"), "volumes"), "volumes")
    places = Places(path.parent.resolve(), known, volumes, guard)
    services: dict[str, ComposeService] = {}
    for name, inner in told.items():
        at = f"{path.name}:{told.lines[name]}: services.{name}"
        table = values.table(filling.everywhere(inner, at), at)
        if table.get("profiles"):
            left_out.append(f"service {name}, which is only in profile {', '.join(table['profiles'])}")
            continue
        services[name] = _service(name, table, places, at)
    guard.finish()
    _join(services, left_out)
    if filling.unset:
        left_out.append(f"variables that are not set, and so are empty: {', '.join(sorted(filling.unset))}")
    return ComposeFile(services, left_out)


def _known(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    path = folder / ".env"
    entries = dotenv(read_text(path), environ, str(path)) if path.is_file() else {}
    return {**{name: value for name, value in entries.items() if value is not None}, **environ}


def _top_level(key: str, path: Path, document: Table) -> bool:
    """Whether a key of the file is taken over, or need not be."""
    if key == "include":
        raise UsageError(
            f"{path}:{document.lines[key]}: `include` is not read", expected="one file", fix=FLATTEN
        )
    return key in ("services", "volumes", "networks", "name", "version") or key.startswith("x-")


def _service(name: str, table: Table, places: Places, at: str) -> ComposeService:
    service = ComposeService(name)
    if "extends" in table:
        raise UsageError(f"{at}: `extends` is not read", expected="a service in full", fix=FLATTEN)
    for key in sorted(table, key=_order):
        value, where = table[key], f"{at}.{key}"
        if key in KEYS:
            KEYS[key](service, value, where)
        elif key in POWERS:
            POWERS[key](service, places.guard, value, where)
        elif key == "build":
            places.build(service, value, where)
        elif key == "volumes":
            places.mount(service, value, where)
        elif key not in ("environment", "env_file") and not key.startswith("x-"):
            service.left_out.append(_named(key, value))
    places.environment(service, table, at)
    if not (service.context or service.image):
        raise UsageError(f"{at} says nothing to run", expected="build: or image:", fix="give it one")
    service.port = service.port or places.exposed(service)
    if not service.memory:
        service.left_out.append("it has no memory limit there: 512 MiB is taken")
    return service


def _order(key: str) -> int:
    """`ports` come before `expose`."""
    return list(KEYS).index(key) if key in KEYS else len(KEYS)


def _named(key: str, value: Any) -> str:
    why = {"restart": " (a rehearsal wants to see that a service ends)"}.get(key, "")
    return f"{key}{f': {value}' if isinstance(value, str) and len(value) < 40 else ''}{why}"


def _join(services: dict[str, ComposeService], left_out: list[str]) -> None:
    """What services say of each other: who must be up before, who runs once, who is a gateway."""
    for service in services.values():
        wanted, service.needs = service.needs, []
        for text in wanted:
            name = text.removesuffix("!")
            if name not in services:
                left_out.append(f"{service.name} depends on {name}, which is not there")
            elif name not in service.needs:
                service.needs.append(name)
                services[name].finishes |= text.endswith("!")
        if service.fronts and service.fronts not in services:
            raise UsageError(
                f"services.{service.name}.x-rehearse.fronts is {service.fronts!r}",
                expected=f"one of {', '.join(services)}",
                fix="mend the name",
            )
        apart = [other for other in service.needs if not _share(service.networks, services[other].networks)]
        if apart:
            service.left_out.append(
                f"networks: it reaches {', '.join(apart)} here, though they share none there"
            )


def _share(mine: list[str], other: list[str]) -> bool:
    return bool({*(mine or ["default"])} & {*(other or ["default"])})
