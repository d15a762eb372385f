"""Reads a scenario file. A mistake in it is told with file and line, before anything is started."""

from __future__ import annotations

import difflib
import importlib.util
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from harness.drive.tls import tls_for
from harness.errors import HarnessError, UsageError, where_in
from harness.model.load import Load
from harness.model.names import sound
from harness.model.project import project_root
from harness.model.scenario import Scenario, Service, parse_duration
from harness.model.service import Composed
from harness.population import Spec


@dataclass(frozen=True)
class Loaded:
    """A scenario that was found sound.

    name    as in reports/<name>: the file's name without its ending
    source  the file
    root    the project's folder: paths of services are relative to it
    """

    scenario: Scenario
    name: str
    source: Path
    root: Path
    deadline: float | None


MOST_BYTES = 2**20


def load(where: str) -> Loaded:
    """The scenario in `where`: a file, or file.py:ClassName. Raises UsageError."""
    path_text, _, wanted = where.partition(":")
    try:
        source = Path(path_text).resolve()
    except (OSError, RuntimeError, ValueError):  # a link in a circle, a name that no file has
        source = Path()
    if not source.is_file():
        known = {path.stem: str(path) for path in Path("scenarios").glob("*.py")}
        near = [known[name] for name in difflib.get_close_matches(Path(path_text).stem, known, n=1)]
        raise UsageError(
            f"there is no scenario file {path_text}",
            expected="a Python file with a subclass of harness.Scenario",
            fix=f"did you mean {near[0]}?" if near else "see scenarios/ for examples",
        )
    sound(source.stem, "the scenario file's name")
    size = source.stat().st_size
    if size > MOST_BYTES:
        raise UsageError(
            f"{path_text} has {size:,} bytes",
            expected=f"a scenario of at most {MOST_BYTES:,} bytes",
            fix="cut it",
        )
    root = project_root(source)
    chosen = _choose(_execute(source, root), source, wanted)
    _check(chosen, source, root)
    deadline = (
        parse_duration(chosen.deadline, what=f"{chosen.__name__}.deadline") if chosen.deadline else None
    )
    return Loaded(chosen(), source.stem, source, root, deadline)


def _execute(source: Path, root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"rehearse_scenario_{source.stem}", source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as problem:  # whatever the author's code raises is told with its line
        if isinstance(problem, HarnessError):
            raise
        if isinstance(problem.__cause__, HarnessError):  # Python 3.11 wraps what a class attribute raises
            raise problem.__cause__ from None
        raise UsageError(
            f"{where_in(source, problem)}: {type(problem).__name__}: {problem}",
            expected="a scenario file that Python can execute",
            cause=_source_line(source, problem),
            fix="mend that line",
        ) from problem
    return module


def _source_line(source: Path, problem: BaseException) -> str:
    _, _, line = where_in(source, problem).rpartition(":")
    rows = source.read_text(errors="replace").splitlines()
    return f"the line `{rows[int(line) - 1].strip()}`" if line.isdigit() and int(line) <= len(rows) else ""


def _choose(module: ModuleType, source: Path, wanted: str) -> type[Scenario]:
    found = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Scenario) and value.__module__ == module.__name__
    }
    if wanted and wanted not in found:
        raise UsageError(
            f"{source} has no scenario {wanted}", expected=f"one of {', '.join(found) or 'none'}"
        )
    if wanted:
        return found[wanted]
    if len(found) != 1:
        raise UsageError(
            f"{source} has {len(found)} scenarios{': ' + ', '.join(found) if found else ''}",
            expected="one class that inherits from harness.Scenario",
            fix="name one: file.py:ClassName" if found else "write `class MyBatch(Scenario):` in it",
        )
    return next(iter(found.values()))


Wrong = Callable[[str, str, str], UsageError]


def _check(chosen: type[Scenario], source: Path, root: Path) -> None:
    def wrong(seen: str, expected: str, fix: str) -> UsageError:
        return UsageError(f"{source}: {chosen.__name__} {seen}", expected=expected, fix=fix)

    _check_names(chosen, wrong)
    if not isinstance(chosen.usual, int) or chosen.usual < 1:
        raise wrong(
            f"has usual = {chosen.usual!r}", "the usual number of users, 1 or more", "set `usual = 400`"
        )
    scales = chosen.scales
    if not scales or any(not isinstance(k, int) or k < 1 for k in scales) or [*scales] != sorted(set(scales)):
        raise wrong(
            f"has scales = {scales!r}", "ascending whole numbers from 1", "set `scales = (1, 2, 5, 10)`"
        )
    if chosen.population is not None and not isinstance(chosen.population, Spec):
        raise wrong(
            f"has population = {chosen.population!r}", "Population.spec(...)", "write it so, or leave it out"
        )
    if not chosen.triggers() and chosen.items is None:
        raise wrong(
            "has no trigger",
            "at least one method marked @trigger(...), or items = Load(...)",
            "mark the method that starts it",
        )
    if chosen.outcomes is Scenario.outcomes and chosen.triggers():
        raise wrong(
            "has no outcomes()", "a method that tells what became of each item", "write outcomes(self, live)"
        )
    for name in ("patience", "quiet"):
        parse_duration(getattr(chosen, name), what=f"{chosen.__name__}.{name}")
    for service in chosen.services().values():
        _check_service(service, wrong, root)
    for name in ("items", "downstream", "background"):
        _check_load(name, chosen, wrong)


def _check_load(name: str, chosen: type[Scenario], wrong: Wrong) -> None:
    load = getattr(chosen, name)
    if load is None:
        return
    why = load.wrong() if isinstance(load, Load) else f"{load!r:.60} is no harness.Load"
    if not why and load.service not in chosen.services().values():
        why = "its service is none of the scenario's"
    if not why and name == "background" and load.arrival != "open":
        why = "other users come whatever the answers take: give arrival='open' and a rate"
    if why:
        example = 'such as Load(batch, "POST", "/pay", json={"id": "{id}"}, concurrency=16)'
        raise wrong(f"has {name}: {why}", example, "write it so")


def _check_names(chosen: type[Scenario], wrong: Wrong) -> None:
    known = {name for name in dir(Scenario) if not name.startswith("_")}
    for name, value in vars(chosen).items():
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
        if (
            near
            and name not in known
            and not name.startswith("_")
            and not isinstance(value, Service | Composed)
        ):
            raise wrong(f"has {name!r}", f"one of {', '.join(sorted(known))}", f"did you mean {near[0]!r}?")


def _check_service(service: Service, wrong: Wrong, root: Path) -> None:
    name = f"service {service.name!r}"
    if not re.fullmatch(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,62}", service.name):
        raise wrong(f"has {name}", "a name that a host may have, as a file too", "leave out name=")
    if not (service.build or service.image or service.process or service.attach):
        raise wrong(
            f"{name} says nothing to run",
            "build=, image=, process= or attach=",
            "give the folder of its Dockerfile",
        )
    if not 0 <= service.port <= 65535 or (service.ready and not service.port):
        raise wrong(
            f"{name} has port {service.port}",
            "a port from 1 to 65535, or 0 and no `ready` where it has none",
            "give the port it listens on",
        )
    _ = service.memory_bytes, service.ready_seconds
    if service.tls not in ("", "system", "unchecked"):
        service.tls = str(root / service.tls)  # from here on the project's folder is not known
    tls_for(service)
    recipe = service.recipe
    if recipe and not (root / recipe.context / recipe.dockerfile).is_file():
        raise wrong(
            f"{name} is built from {recipe.context!r}, where there is no {recipe.dockerfile}",
            f"a {recipe.dockerfile} in {root / recipe.context}",
            "mend the path: it is relative to the project's folder",
        )
    if service.process and not (root / service.process.cwd).is_dir():
        raise wrong(
            f"{name} runs in {service.process.cwd!r}, which is no folder",
            f"a folder {root / service.process.cwd}",
            "mend the path: it is relative to the project's folder",
        )
