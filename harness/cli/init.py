"""Writes a first scenario, a pytest file and a GitHub workflow, and says what to fill in. Overwrites nothing.

The services come from a compose file where there is one, else from the Dockerfiles of the project, else a stand-in
is written that runs anywhere. What a compose file asks for and a rehearsal does not do is named.

\b
rehearse init
rehearse init payday --compose deploy/compose.yaml
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from pathlib import Path
from string import Template

import click
from msgspec import Struct

from harness.cli.origin import requirement
from harness.cli.screen import json_option, put_json
from harness.errors import UsageError
from harness.model.project import project_root
from harness.model.scenario import Scenario
from harness.model.service import Composed

USUAL = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
WORKFLOW = ".github/workflows/rehearsal.yml"
STAND_IN = """    # FILL IN: this stand-in runs anywhere, and does nothing. Yours: Service(build="app", port=8000)
    batch = Service(port=8000, process=Process(command="python -m http.server {port} --bind 127.0.0.1"))"""
NOT_HERE = {".git", ".venv", "venv", "node_modules", "reports", "tests"}


class Found(Struct, frozen=True):
    """The services to write down: as text, the names to import, the one to send requests to, and remarks."""

    services: str
    imports: str
    entry: str
    remarks: list[str]


@click.command("init", help=__doc__)
@click.argument("name", required=False)
@click.option(
    "--compose",
    type=click.Path(path_type=Path),
    help="The compose file of the services.  [default: compose.yaml, if it is there]",
)
@json_option
def command(name: str | None, compose: Path | None, machine: bool) -> None:
    root = project_root(Path.cwd() / "scenarios" / "any.py")
    name = _word(name or root.name)
    found = _services(root, compose)
    path = f"scenarios/{name}.py"
    title = "".join(part.capitalize() for part in name.split("_"))
    ours, remark = requirement(root) if not (root / WORKFLOW).exists() else ("", "")
    remarks = [*found.remarks, *([remark] if remark else [])]
    filled = {"name": name, "title": title, "path": path, "services": found.services} | {
        "imports": found.imports,
        "entry": found.entry,
        "rehearse": ours,
    }
    wanted = {
        path: "scenario.txt",
        f"tests/test_{name}_rehearsal.py": "test.txt",
        WORKFLOW: "workflow.txt",
    }
    written = [place for place, source in wanted.items() if _write(root / place, source, filled)]
    for place in wanted:
        click.echo(
            f"{'wrote' if place in written else 'is there already, left as it is:'} {place}", err=machine
        )
    for remark in remarks:
        click.echo(f"  {remark}", err=machine)
    after = f"fill in what {path} marks with FILL IN, then rehearse run {path} --users 3 --scales 1"
    click.echo(f"next: {after}", err=machine)
    if machine:
        left = [place for place in wanted if place not in written]
        put_json({"wrote": written, "left": left, "remarks": remarks, "next": after})
    raise click.exceptions.Exit(0 if written else 2)


def _services(root: Path, compose: Path | None) -> Found:
    path = compose or next((Path(name) for name in USUAL if Path(name).is_file()), None)
    if path is not None:
        return _from_compose(root, path.absolute())
    folders = sorted(_with_dockerfile(root))
    if folders:
        return _from_dockerfiles(root, folders)
    remark = "no compose file and no Dockerfile here: the scenario has a stand-in for your service"
    return Found(STAND_IN, "Process, Service", "batch", [remark])


def _from_compose(root: Path, path: Path) -> Found:
    composed = Composed.read(path, root)
    inside = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    text = f'    # Every service of the file: {", ".join(composed)}.\n    stack = Service.from_compose("{inside}")'
    remarks = [
        f"{name}: not done as the compose file says: {what}"
        for name, service in composed.items()
        for what in service.left_out
    ]
    return Found(text, "Service", _entry(composed), remarks)


def _entry(composed: Composed) -> str:
    """The service that people send requests to: with a port, and called by none."""
    called = {other.name for service in composed.values() for other in service.calls}
    fronted = [service.fronts.name for service in composed.values() if service.fronts]
    free = [name for name, service in composed.items() if service.port and name not in called]
    names: list[str] = [*fronted, *free, *composed]
    return names[0]


def _with_dockerfile(root: Path) -> Iterator[Path]:
    for pattern in ("Dockerfile", "*/Dockerfile", "*/*/Dockerfile"):
        for path in root.glob(pattern):
            if not NOT_HERE & set(path.relative_to(root).parts):
                yield path.parent


def _from_dockerfiles(root: Path, folders: list[Path]) -> Found:
    rows, names, remarks = [], [], []
    for folder in folders:
        inside = folder.relative_to(root).as_posix()
        name = _word(root.name if inside == "." else folder.name)
        if name in names:
            remarks.append(f"{inside}/Dockerfile was left out: there is another service {name}")
            continue
        exposed = re.findall(r"^EXPOSE\s+(\d+)", (folder / "Dockerfile").read_text(errors="replace"), re.M)
        port = exposed[-1] if exposed else "8000"
        if not exposed:
            remarks.append(f"{inside}/Dockerfile exposes no port: 8000 was written")
        names.append(name)
        rows.append(f'    {name} = Service(build="{inside}", port={port}, memory="512 MiB")')
    rows.insert(
        0,
        '    # FILL IN: memory, ready="/health", env={"PAYOUTS_URL": "{payouts.url}"}, calls=[payouts]',
    )
    return Found("\n".join(rows), "Service", names[0], remarks)


def _write(place: Path, source: str, filled: dict[str, str]) -> bool:
    text = Template((Path(__file__).parent / "first" / source).read_text()).substitute(filled)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("x") as file:
            file.write(text)
    except FileExistsError:
        return False
    except OSError as problem:
        raise UsageError(
            f"{place} cannot be written: {problem.strerror}", expected="a project's folder", fix="cd into one"
        ) from problem
    return True


def _word(name: str) -> str:
    """A name that Python takes."""
    word = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower()
    taken = not word.isidentifier() or keyword.iskeyword(word) or hasattr(Scenario, word)
    return f"batch_{word}".rstrip("_") if taken else word
