"""The keys of a service that name files and folders: build, env_file, volumes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.compose import values
from harness.compose.document import Table, read_text
from harness.compose.facts import ComposeService
from harness.compose.guard import Guard
from harness.compose.interpolation import dotenv
from harness.errors import UsageError

_REMOTE = re.compile(r"^(https?://|git://|git@|ssh://|github\.com/|docker-image://)")
_EXPOSE = re.compile(r"^EXPOSE\s+(\d+)(?:/tcp)?(?=\s|$)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Places:
    """The compose file's folder, the variables known to it, the volumes it declares, and what it may reach."""

    folder: Path
    known: Mapping[str, str]
    volumes: Table
    guard: Guard

    def build(self, service: ComposeService, value: Any, where: str) -> None:
        """The folder, the Dockerfile, the arguments and the target of a build."""
        told = value if isinstance(value, Table) else Table()
        context = values.text(told.get("context", ".") if told else value, f"{where}.context")
        if _REMOTE.match(context):
            raise UsageError(
                f"{where} is {context!r}, which is no folder",
                expected="a folder",
                fix="check it out, and name its folder",
            )
        service.context = self.guard.path(f"{service.name}.build", context, self.folder)
        for key, inner in told.items():
            if key == "dockerfile":
                service.dockerfile = self._dockerfile(service, values.text(inner, f"{where}.dockerfile"))
            elif key == "args":
                given = values.pairs(inner, f"{where}.args")
                found = {name: self.known.get(name) if v is None else v for name, v in given.items()}
                service.args = {name: v for name, v in found.items() if v is not None}
            elif key == "target":
                service.target = values.text(inner, f"{where}.target")
            elif key in ("privileged", "entitlements") or (key == "network" and inner == "host"):
                self.guard.ask(f"{service.name}.build.{key}", "a build with powers over this machine")
                service.left_out.append(f"build.{key}")
            elif key not in ("context", "tags", "cache_from", "cache_to", "labels"):
                service.left_out.append(f"build.{key}")

    def _dockerfile(self, service: ComposeService, text: str) -> str:
        name = f"{service.name}.build.dockerfile"
        folder = (self.guard.root / service.context).resolve()
        self.guard.path(name, text, folder)
        found = (folder / text).resolve()
        if not found.is_relative_to(folder):
            raise UsageError(
                f"{name} is {text!r}, outside of its context {service.context}",
                expected="a Dockerfile within the context",
                fix="move it there, or make the context larger",
            )
        return found.relative_to(folder).as_posix()

    def exposed(self, service: ComposeService) -> int:
        """The port that its Dockerfile exposes; 0 where there is none."""
        path = self.guard.root / service.context / service.dockerfile
        found = _EXPOSE.findall(read_text(path)) if service.context and path.is_file() else []
        return int(found[-1]) if found else 0

    def environment(self, service: ComposeService, told: Table, where: str) -> None:
        """env_file first, then environment; a name without a value takes that of this process."""
        found: dict[str, str | None] = {}
        rows = told.get("env_file")
        for n, row in enumerate(rows if isinstance(rows, list) else [] if rows is None else [rows]):
            found |= self._env_file(service, row, f"{where}.env_file[{n}]")
        found |= values.pairs(told.get("environment"), f"{where}.environment")
        filled = {name: self.known.get(name) if value is None else value for name, value in found.items()}
        service.env = {name: value for name, value in filled.items() if value is not None}
        unset = [name for name, value in filled.items() if value is None]
        if unset:
            service.left_out.append(
                f"environment {', '.join(unset)}: not set where the rehearsal was started"
            )

    def _env_file(self, service: ComposeService, row: Any, where: str) -> dict[str, str | None]:
        told = row if isinstance(row, Table) else Table()
        given = values.text(told.get("path") if told else row, where)
        path = self.guard.root / self.guard.path(f"{service.name}.env_file", given, self.folder)
        if told.get("required") in (False, "false") and not path.exists():
            return {}
        return dotenv(read_text(path), self.known, str(path))

    def mount(self, service: ComposeService, value: Any, where: str) -> None:
        """Named volumes and folders of the project."""
        for n, row in enumerate(value or []):
            at = f"{where}[{n}]"
            kind, source, target, mode = _long(row, at) if isinstance(row, Table) else _short(row, at)
            if kind == "tmpfs" or not source:
                service.container.setdefault("tmpfs", {})[target] = ""
            elif kind == "bind":
                here = self.guard.path(f"{service.name}.volumes:{source}", source, self.folder)
                here = here if here.startswith("/") else f"./{here}"
                service.volumes.append(f"{here}:{target}{mode}")
            elif kind == "volume":
                self._named(service, source, at)
                service.volumes.append(f"{source}:{target}{mode}")
            else:
                service.left_out.append(f"volumes: {kind} at {target}")

    def _named(self, service: ComposeService, source: str, where: str) -> None:
        if source not in self.volumes:
            raise UsageError(
                f"{where} names the volume {source!r}, which `volumes:` does not have",
                expected=f"one of {', '.join(self.volumes) or 'none'}, or a folder that begins with ./",
                fix="mend the name",
            )
        odd = [key for key in (self.volumes[source] or {}) if key not in ("name", "labels", "driver")]
        if odd:
            service.left_out.append(f"volume {source}: {', '.join(odd)} (it is new and empty here)")


Mount = tuple[str, str, str, str]


def _short(row: Any, where: str) -> Mount:
    source, colon, rest = values.text(row, where).partition(":")
    if not colon:
        return "volume", "", source, ""
    target, _, options = rest.partition(":")
    if not target.startswith("/"):
        raise values.wrong(where, row, "source:/place or source:/place:ro")
    is_path = source.startswith((".", "/", "~"))
    return "bind" if is_path else "volume", source, target, ":ro" if "ro" in options.split(",") else ""


def _long(row: Table, where: str) -> Mount:
    source = values.text(row.get("source") or "", f"{where}.source")
    target = values.text(row.get("target"), f"{where}.target")
    only_read = values.truth(row.get("read_only") or False, f"{where}.read_only")
    return (
        values.text(row.get("type") or "volume", f"{where}.type"),
        source,
        target,
        ":ro" if only_read else "",
    )
