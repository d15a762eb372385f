"""The keys of a service that a rehearsal takes over, one small function each."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from harness.compose import values
from harness.compose.document import Table
from harness.compose.facts import ComposeService
from harness.errors import UsageError

Take = Callable[[ComposeService, Any, str], None]


def _option(name: str, read: Callable[[Any, str], Any]) -> Take:
    def take(service: ComposeService, value: Any, where: str) -> None:
        if value is not None:
            service.container[name] = read(value, where)

    return take


def _image(service: ComposeService, value: Any, where: str) -> None:
    service.image = values.text(value, where)


def _command(service: ComposeService, value: Any, where: str) -> None:
    service.command = values.words(value, where)


def _entrypoint(service: ComposeService, value: Any, where: str) -> None:
    service.entrypoint = values.words(value, where)


def _container_name(service: ComposeService, value: Any, where: str) -> None:
    service.aliases.append(values.text(value, where))


def _memory(service: ComposeService, value: Any, where: str) -> None:
    service.memory = values.size(value, where)


def _deploy(service: ComposeService, value: Any, where: str) -> None:
    for key, inner in values.table(value, where).items():
        if key != "resources":
            service.left_out.append(f"deploy.{key}")
            continue
        for kind, amounts in values.table(inner, f"{where}.resources").items():
            for name, amount in values.table(amounts, f"{where}.resources.{kind}").items():
                if (kind, name) == ("limits", "memory"):
                    service.memory = values.size(amount, f"{where}.resources.limits.memory")
                elif (kind, name) == ("limits", "cpus"):
                    _cpus(service, amount, f"{where}.resources.limits.cpus")
                else:
                    service.left_out.append(f"deploy.resources.{kind}.{name}")


def _cpus(service: ComposeService, value: Any, where: str) -> None:
    given = values.text(value, where)
    if not re.fullmatch(r"\d+(\.\d+)?", given):
        raise values.wrong(where, value, "a number of processors")
    service.container["nano_cpus"] = int(float(given) * 1e9)


def _ports(service: ComposeService, value: Any, where: str) -> None:
    _listens(service, [_port(row, f"{where}[{n}]") for n, row in enumerate(value or [])], where)


def _expose(service: ComposeService, value: Any, where: str) -> None:
    if not service.port:
        _listens(service, [_port(row, f"{where}[{n}]") for n, row in enumerate(value or [])], where)


def _port(row: Any, where: str) -> tuple[int, str]:
    """(port, protocol) inside of the container."""
    if isinstance(row, Table):
        return values.number(row.get("target"), f"{where}.target"), str(row.get("protocol") or "tcp")
    given, _, protocol = values.text(row, where).partition("/")
    inside = given.rpartition(":")[2].partition("-")[0]
    return values.number(inside, where), protocol or "tcp"


def _listens(service: ComposeService, ports: list[tuple[int, str]], where: str) -> None:
    tcp = [port for port, protocol in ports if protocol == "tcp"]
    service.port = tcp[0] if tcp else 0
    if len(ports) > 1 or not tcp:
        others = [
            f"{port}/{protocol}" for port, protocol in ports if (port, protocol) != (service.port, "tcp")
        ]
        if others:
            told = f"{where.rpartition('.')[2]} {', '.join(others)}"
            service.left_out.append(f"{told}: reached by the other services, not from the scenario")


def _depends_on(service: ComposeService, value: Any, where: str) -> None:
    if not isinstance(value, Table):
        service.needs += values.texts(value, where)
        return
    for name, condition in value.items():
        told = values.table(condition, f"{where}.{name}")
        wanted = told.get("condition") or "service_started"
        if wanted not in ("service_started", "service_healthy", "service_completed_successfully"):
            raise values.wrong(
                f"{where}.{name}.condition",
                wanted,
                "service_started, service_healthy or service_completed_successfully",
            )
        service.needs.append(f"{name}!" if wanted == "service_completed_successfully" else name)


def _links(service: ComposeService, value: Any, where: str) -> None:
    for row in values.texts(value, where):
        name, _, alias = row.partition(":")
        service.needs.append(name)
        if alias:
            service.left_out.append(f"links: the name {alias} for {name}")


def _healthcheck(service: ComposeService, value: Any, where: str) -> None:
    told = values.table(value, where)
    test = told.get("test")
    if told.get("disable") in (True, "true") or test in (["NONE"], "NONE", None):
        return
    given = test if isinstance(test, str) else values.texts(test, f"{where}.test")
    kind = given[0] if isinstance(given, list) and given else "CMD-SHELL"
    if kind not in ("CMD", "CMD-SHELL"):
        raise values.wrong(f"{where}.test", test, "a text, or a list that begins with CMD or CMD-SHELL")
    inner = given if isinstance(given, str) else given[1:] if kind == "CMD" else " ".join(given[1:])
    if not inner:
        raise values.wrong(f"{where}.test", test, "a command")
    service.check = inner

    def time(key: str, default: str) -> float:
        return values.seconds(told.get(key) or default, f"{where}.{key}")

    service.check_timeout = time("timeout", "30s")
    retries = values.number(told.get("retries") or "3", f"{where}.retries")
    service.patience = time("start_period", "0s") + retries * time("interval", "30s")


def _networks(service: ComposeService, value: Any, where: str) -> None:
    if not isinstance(value, Table):
        service.networks = values.texts(value, where)
        return
    service.networks = list(value)
    for name, told in value.items():
        for key, inner in values.table(told, f"{where}.{name}").items():
            if key == "aliases":
                service.aliases += values.texts(inner, f"{where}.{name}.aliases")
            else:
                service.left_out.append(f"networks.{name}.{key}")


def _rehearse(service: ComposeService, value: Any, where: str) -> None:
    for key, inner in values.table(value, where).items():
        if key == "fronts":
            service.fronts = values.text(inner, f"{where}.fronts")
        elif key == "ready":
            service.ready = values.text(inner, f"{where}.ready")
        else:
            raise UsageError(f"{where} has {key!r}", expected="fronts or ready", fix="mend the name")


def _tmpfs(value: Any, where: str) -> dict[str, str]:
    split = [row.partition(":") for row in values.texts(value, where)]
    return {place: options for place, _, options in split}


KEYS: dict[str, Take] = {
    "image": _image,
    "command": _command,
    "entrypoint": _entrypoint,
    "container_name": _container_name,
    "mem_limit": _memory,
    "deploy": _deploy,
    "cpus": _cpus,
    "ports": _ports,
    "expose": _expose,
    "depends_on": _depends_on,
    "links": _links,
    "healthcheck": _healthcheck,
    "networks": _networks,
    "x-rehearse": _rehearse,
    "user": _option("user", values.text),
    "working_dir": _option("working_dir", values.text),
    "hostname": _option("hostname", values.text),
    "init": _option("init", values.truth),
    "read_only": _option("read_only", values.truth),
    "stop_signal": _option("stop_signal", values.text),
    "shm_size": _option("shm_size", values.size),
    "pids_limit": _option("pids_limit", values.number),
    "group_add": _option("group_add", values.texts),
    "cap_drop": _option("cap_drop", values.texts),
    "tmpfs": _option("tmpfs", _tmpfs),
}
"""`ports` stands before `expose`: what is published is where people go in."""
