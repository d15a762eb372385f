"""The attach stage: services that already run (staging). They are checked, pinned, and asked; never touched."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext

from harness.errors import EnvironmentProblem, Refused
from harness.model.attached import Attached, Conduct, Container, LogCommand, LogFile, LogQuery, Prometheus
from harness.model.scenario import Scenario
from harness.model.service import Service
from harness.stage.attach.fence import Fence, fenced
from harness.stage.attach.pinning import Pins, Place, Resolve, no_proxies
from harness.stage.attach.places import Wanted, check_list, wanted
from harness.stage.attach.service import AttachedService, Logs, Memory
from harness.stage.attach.sources import CommandLog, EngineContainer, FileLog, Metrics, QueryLog, series_of
from harness.stage.opened import Opened

__all__ = ["AttachStage", "Site", "attach_stage", "survey"]


@dataclass(frozen=True)
class Site:
    """Where everything is that a scenario attaches to: each service by name, and the pages where memory and logs are
    read (`memory of <name>`, `logs of <name>`). All of it has been checked, and every name asked for once."""

    places: Mapping[str, Place]
    pages: Mapping[str, Place]

    @property
    def hosts(self) -> list[str]:
        """The names of all hosts."""
        every = (*self.places.values(), *self.pages.values())
        return list(dict.fromkeys(place.wanted.host for place in every))

    @property
    def fence(self) -> Fence:
        """What this rehearsal may reach: these places, and nothing else."""
        every = (*self.places.values(), *self.pages.values())
        return Fence({place.address for place in every}, self.hosts)


def survey(scenario: Scenario, resolve: Resolve | None = None) -> Site:
    """Looks at what the scenario attaches to, before anything is sent: first the text of it, then the environment's
    proxies, then one question for each name. Raises Refused."""
    attached = {name: service.attach for name, service in scenario.services().items() if service.attach}
    if not attached:
        raise EnvironmentProblem(
            f"no service of {type(scenario).__name__} says where it already runs",
            expected="services with attach=Attached(url=...)",
            fix="write it, or rehearse with --stage docker or process",
        )
    check_list(scenario.allow)
    places = {name: wanted(one.url, scenario.allow, f"the url of {name}") for name, one in attached.items()}
    for name, place in places.items():
        if place.path != "/":
            raise Refused(
                f"the url of {name} is {attached[name].url!r}: it has a path",
                expected="a host and a port; paths stand in the scenario's requests",
                fix="take the path out",
            )
    pages = {
        what: _page(url, places[name], scenario, what)
        for name, one in attached.items()
        for what, url in _urls(name, one)
    }
    no_proxies(place.host for place in (*places.values(), *pages.values()))
    pins = Pins(resolve or socket.getaddrinfo)
    return Site(
        {name: pins.pin(place) for name, place in places.items()},
        {what: pins.pin(place) for what, place in pages.items()},
    )


def _urls(name: str, one: Attached) -> Iterator[tuple[str, str]]:
    if isinstance(one.memory, Prometheus):
        yield f"memory of {name}", one.memory.url
    if isinstance(one.logs, LogQuery):
        yield f"logs of {name}", one.logs.url


def _page(url: str, service: Wanted, scenario: Scenario, what: str) -> Wanted:
    """A page of its own, or a path of the service."""
    if not url.startswith("/") or url.startswith("//"):
        return wanted(url, scenario.allow, f"the page with the {what}")
    return wanted(
        f"{service.scheme}://{service.host}:{service.port}{url}", scenario.allow, f"the page with the {what}"
    )


AttachStage = Opened[AttachedService]


@contextmanager
def attach_stage(
    scenario: Scenario, root: Path, site: Site, tls: Mapping[str, SSLContext | None], mark: str
) -> Iterator[AttachStage]:
    """The services of a site, once they all answer. While it lasts nothing else can be reached from this process."""
    stage = AttachStage("attach")
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    known = scenario.services()
    with fenced(site.fence):
        for name, place in site.places.items():
            memory, logs = _sources(known[name], site, tls.get(name), root, since)
            service = AttachedService(
                known[name], place, conduct_of(scenario, name, place, mark), memory, logs
            )
            service.wait(tls.get(name), known[name].ready or "/")
            stage.services[name] = service
        stage.enter_by(known)
        yield stage


def conduct_of(scenario: Scenario, name: str, place: Place, mark: str) -> Conduct:
    """What may be sent to one service."""
    attached = scenario.services()[name].attach
    assert attached is not None
    return Conduct(
        place.wanted.host,
        place.wanted.port,
        place.wanted.scheme,
        tuple(entry.lower() for entry in scenario.allow),
        scenario.side_effects,
        attached.reads,
        mark,
    )


def _sources(
    service: Service, site: Site, tls: SSLContext | None, root: Path, since: str
) -> tuple[Memory | None, Logs | None]:
    attached, name = service.attach, service.name
    assert attached is not None
    containers: dict[str, EngineContainer] = {}

    def container(source: Container) -> EngineContainer:
        return containers.setdefault(source.name, EngineContainer(source.name))

    memory: Memory | None = None
    match attached.memory:
        case Prometheus(series=series):
            memory = Metrics(site.pages[f"memory of {name}"], tls, *series_of(series))
        case Container() as source:
            memory = container(source)
    logs: Logs | None = None
    match attached.logs:
        case LogFile(path=path):
            logs = FileLog(root / path)
        case LogCommand(command=command, timeout=timeout):
            logs = CommandLog(command, timeout, since)
        case LogQuery():
            logs = QueryLog(site.pages[f"logs of {name}"], tls)
        case Container() as source:
            logs = container(source)
    return memory, logs
