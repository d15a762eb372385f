"""Says what this machine can do, with a fix for each thing that it cannot.

\b
rehearse doctor
rehearse doctor --json
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import psutil
from msgspec import Struct
from rich.text import Text

from harness.cli.screen import json_option, put_json, screen
from harness.report.text import plural
from harness.stage import Engine, find_engine
from harness.stage.base_image import TAG as OUR_BASE
from harness.stage.base_image import can_make
from harness.stage.leftovers import belongings, dead_owners
from harness.stage.network_needs import BUNDLE_NAMED_BY, private_bundle, proxies

NAMES_BY = (
    Path("/usr/lib/cni/dnsname"),
    Path("/usr/libexec/cni/dnsname"),
    Path("/usr/lib/podman/aardvark-dns"),
)
SAMPLE = ("django", "gunicorn", "fastapi", "uvicorn", "urllib3")


class Row(Struct, frozen=True):
    """One thing looked at: good, or not with a fix. Without `needed` a rehearsal is possible all the same."""

    what: str
    good: bool
    seen: str
    fix: str = ""
    needed: bool = False


@click.command("doctor", help=__doc__)
@json_option
def command(machine: bool) -> None:
    rows = list(examine())
    if machine:
        put_json(rows)
    else:
        _print(rows)
    raise click.exceptions.Exit(5 if any(row.needed and not row.good for row in rows) else 0)


def examine() -> Iterator[Row]:
    """Everything that a rehearsal may need, looked at one by one."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield Row("Python", sys.version_info >= (3, 11), python, "install Python 3.11 or later", needed=True)
    yield from _engine()
    missing = [name for name in SAMPLE if importlib.util.find_spec(name) is None]
    yield Row(
        "sample system without an engine",
        not missing,
        f"missing: {', '.join(missing)}" if missing else "installed",
        "pip install 'rehearse[sample]'",
    )
    free = shutil.disk_usage(Path.cwd()).free
    yield Row("disk", free > 2**30, f"{free / 2**30:,.1f} GiB free", "free 1 GiB or more", needed=True)
    memory = psutil.virtual_memory().available
    yield Row(
        "memory", memory > 2**30, f"{memory / 2**30:,.1f} GiB available", "end what uses it: 1 GiB is needed"
    )
    cpus = psutil.cpu_count() or 1
    yield Row(
        "processors", cpus >= 2, str(cpus), "with one, the harness and the batch take time from each other"
    )


def _leftovers(client: Any | None) -> Row:
    left = [thing for owner in dead_owners(client) for thing in belongings(client, owner)]
    seen = (
        f"{plural(len(left), 'thing')} of rehearsals that were killed: {', '.join(left[:3])}"
        if left
        else "none"
    )
    return Row("leftovers", not left, seen, "rehearse gc")


def _engine() -> Iterator[Row]:
    found = find_engine()
    yield _leftovers(found.client if isinstance(found, Engine) else None)
    if not isinstance(found, Engine):
        yield Row(
            "container engine",
            False,
            found.why,
            "install and start one (Debian: apt-get install docker.io), and join the group docker;"
            " without one, rehearsals run on plain processes",
        )
        return
    yield Row("container engine", True, f"{found.version}, API {found.api}, cgroup {found.cgroup}")
    if found.version.startswith("Podman"):
        yield _names()
    yield from _builds(found)
    images = [image for name in ("python", OUR_BASE) for image in found.client.images.list(name=name)]
    tags = [tag for image in images for tag in image.tags]
    makeable = can_make()
    yield Row(
        "base image",
        bool(tags) or not makeable,
        ", ".join(tags[:2]) or makeable or "can be made by debootstrap",
        "docker pull python:3.12-slim, or set REHEARSE_BASE_IMAGE",
    )
    yield _memory(found)


def _memory(engine: Engine) -> Row:
    """Whether the kernel's files of its containers are seen here. Before the first container there are none: so it is
    told by whose machine this is."""
    root, info = Path("/sys/fs/cgroup"), engine.client.info()
    here = (info["Name"], info["KernelVersion"]) == (socket.gethostname(), platform.release())
    there = any((root / name).exists() for name in ("cgroup.controllers", "memory"))
    return Row(
        "container memory",
        here and there,
        f"cgroup {engine.cgroup} below {root}"
        if here and there
        else f"{root} has no memory controller"
        if here
        else f"the engine runs on {info['Name']}, Linux {info['KernelVersion']}",
        "run the harness on the engine's own machine; from elsewhere memory is read by a loop inside each container",
    )


def _names() -> Row:
    """Whether Podman's containers find each other by name, as those of Docker do; told by what is installed here."""
    there = next((path for path in NAMES_BY if path.exists()), None)
    return Row(
        "names of services under Podman",
        there is not None,
        str(there or "nothing that resolves them is installed here"),
        "Debian: apt-get install golang-github-containernetworking-plugin-dnsname dnsmasq-base, or aardvark-dns",
    )


def _builds(engine: Engine) -> Iterator[Row]:
    """What builds get from this environment, and what of it cannot work."""
    given = {name: value for name, value in proxies(engine.client).items() if name.endswith("_PROXY")}
    inward = [name for name, value in given.items() if name != "NO_PROXY" and _is_loopback(value)]
    yield Row(
        "proxies for builds",
        not inward,
        f"{', '.join(inward)} on this machine's loopback" if inward else ", ".join(given) or "none named",
        "name the proxy by an address that containers reach: their loopback is their own",
    )
    named = next((name for name in BUNDLE_NAMED_BY if os.environ.get(name)), "")
    bundle = private_bundle()
    yield Row(
        "certificate authorities for builds",
        bundle is not None or not named,
        f"{bundle}, given to every build"
        if bundle
        else f"{named} names {os.environ[named]}, which is not there"
        if named
        else "the images' own",
        "name a file of authorities in REHEARSE_CA_BUNDLE",
    )


def _is_loopback(proxy: str) -> bool:
    host = urlsplit(proxy if "//" in proxy else f"//{proxy}").hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _print(rows: list[Row]) -> None:
    console = screen()
    for row in rows:
        mark = ("ok", "green") if row.good else ("no", "red" if row.needed else "yellow")
        console.print(Text.assemble((f"{mark[0]:>3} ", mark[1]), (f"{row.what}: ", "bold"), row.seen))
        if not row.good:
            console.print(Text(f"     fix: {row.fix}"))
