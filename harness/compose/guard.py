"""What would reach out of the rehearsal: refused, unless it is allowed by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.compose.facts import ComposeService
from harness.compose.values import texts, truth
from harness.errors import Refused, UsageError

HOST_NAMESPACES = {
    "network_mode": "the machine's network",
    "pid": "the machine's processes",
    "ipc": "the machine's shared memory",
    "userns_mode": "the machine's users",
    "uts": "the machine's name",
    "cgroup": "the machine's control groups",
}
AS_OPTION = {"pid": "pid_mode", "ipc": "ipc_mode", "userns_mode": "userns_mode", "uts": "uts_mode"}
ENGINE_SOCKETS = ("docker.sock", "podman.sock", "containerd.sock", "crio.sock")


@dataclass
class Guard:
    """Knows the project's folder, and what the scenario allows by name, such as "web.privileged"."""

    root: Path
    allow: Iterable[str] = ()
    used: set[str] = field(default_factory=set)

    def ask(self, name: str, what: str) -> None:
        """Returns where `name` is allowed. Raises Refused."""
        if name not in self.allow:
            raise Refused(
                f"{name}: {what}",
                expected="a service that stays within the rehearsal",
                cause="what breaks in a rehearsal could then break this machine, or what else runs on it",
                fix=f'take it out, or allow it by name: Service.from_compose(..., allow=["{name}"])',
            )
        self.used.add(name)

    def path(self, name: str, text: str, folder: Path) -> str:
        """A path of the compose file, relative to the project where it lies within. Raises Refused."""
        given = Path(text).expanduser()
        found = (given if given.is_absolute() else folder / given).resolve()
        if found.name in ENGINE_SOCKETS or found.is_socket():
            self.ask(name, f"{text} is the engine's socket, or another one: who has it rules the machine")
        elif not found.is_relative_to(self.root):
            self.ask(name, f"{text} lies outside the project {self.root}")
        return found.relative_to(self.root).as_posix() if found.is_relative_to(self.root) else str(found)

    def finish(self) -> None:
        """Raises UsageError where something was allowed that nothing asks for: a name may be misspelt."""
        idle = [name for name in self.allow if name not in self.used]
        if idle:
            raise UsageError(
                f"allow names {', '.join(idle)}, which the compose file does not ask for",
                expected="names as the refusal gives them, such as web.privileged",
                fix="mend or remove them",
            )


def privileged(service: ComposeService, guard: Guard, value: Any, where: str) -> None:
    """All powers over the machine."""
    if truth(value, where):
        guard.ask(f"{service.name}.privileged", "it would have every power over this machine")
        service.container["privileged"] = True


def namespace(key: str) -> Callable[[ComposeService, Guard, Any, str], None]:
    """A namespace of the machine or of a container that is none of the rehearsal's."""

    def take(service: ComposeService, guard: Guard, value: Any, where: str) -> None:
        mode = texts(value, where)[0] if value is not None else ""
        if mode == "host" or mode.startswith("container:"):
            guard.ask(f"{service.name}.{key}", f"{mode!r} shares {HOST_NAMESPACES[key]}")
            if key in AS_OPTION:
                service.container[AS_OPTION[key]] = mode
                return
        if mode not in ("", "private", "bridge", "default"):
            service.left_out.append(f"{key}: {mode}")

    return take


def devices(service: ComposeService, guard: Guard, value: Any, where: str) -> None:
    """Devices of the machine."""
    if wanted := texts(value, where):
        guard.ask(f"{service.name}.devices", f"{', '.join(wanted)}: devices of this machine")
        service.container["devices"] = wanted


def capabilities(service: ComposeService, guard: Guard, value: Any, where: str) -> None:
    """Powers beyond the usual."""
    if wanted := texts(value, where):
        guard.ask(f"{service.name}.cap_add", f"{', '.join(wanted)}: powers beyond a container's usual ones")
        service.container["cap_add"] = wanted


def security(service: ComposeService, guard: Guard, value: Any, where: str) -> None:
    """Only what makes it stricter is taken without asking."""
    if wanted := texts(value, where):
        if any(not word.startswith("no-new-privileges") for word in wanted):
            guard.ask(f"{service.name}.security_opt", f"{', '.join(wanted)}: would loosen what confines it")
        service.container["security_opt"] = wanted


def refuse(key: str, what: str) -> Callable[[ComposeService, Guard, Any, str], None]:
    """A key that is refused, and that has no counterpart here once it is allowed."""

    def take(service: ComposeService, guard: Guard, value: Any, where: str) -> None:
        if value not in (None, False, "false", []):
            guard.ask(f"{service.name}.{key}", what)
            service.left_out.append(key)

    return take


POWERS: dict[str, Callable[[ComposeService, Guard, Any, str], None]] = {
    "privileged": privileged,
    "devices": devices,
    "cap_add": capabilities,
    "security_opt": security,
    "device_cgroup_rules": refuse("device_cgroup_rules", "it opens devices of this machine"),
    "gpus": refuse("gpus", "devices of this machine"),
    "cgroup_parent": refuse("cgroup_parent", "a control group of the machine"),
    "use_api_socket": refuse("use_api_socket", "it would get the engine's socket"),
    "runtime": refuse("runtime", "another runtime may confine it less"),
    **{key: namespace(key) for key in HOST_NAMESPACES},
}
