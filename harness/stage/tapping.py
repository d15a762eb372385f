"""Puts a tap before a service: beside its container under its name, or on a port that other services are told."""

from __future__ import annotations

import io
import json
import os
import secrets
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path

import docker
from docker.errors import DockerException

import harness.tap
from harness.errors import EnvironmentProblem
from harness.stage.base_image import base_image
from harness.stage.container_options import LOG_CONFIG
from harness.stage.watchdog import OWNER_VARIABLE
from harness.tap.remote import Remote

CODE = Path(harness.tap.__file__).parent
BEHIND = "{}-behind-its-tap"
IMAGE = "python:3.12-slim"
CONTROL = 7007
READY_WITHIN = 30.0
MEMORY = 256 * 2**20


class ProcessTap:
    """A tap as a process: others reach the service at `port` from now on."""

    def __init__(self, service: str, upstream: tuple[str, int], scratch: Path, owner: str) -> None:
        word = secrets.token_hex(8)
        journal = scratch / f"tap-{service}.jsonl"
        words = ["127.0.0.1", 0, *upstream, "127.0.0.1", 0, journal]
        with (scratch / f"tap-{service}.log").open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-m", "tap", *map(str, words)],
                cwd=CODE.parent,
                env={"PATH": os.environ.get("PATH", ""), "TAP_WORD": word, OWNER_VARIABLE: owner},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        said = self._process.stdout.readline().decode()
        if not said.startswith("ready "):
            self._process.wait(5)
            raise _not_up(service, (scratch / f"tap-{service}.log").read_text()[-500:])
        ready = json.loads(said.removeprefix("ready "))
        self.port = int(ready["port"])
        self.remote = Remote(service, ("127.0.0.1", int(ready["control"])), word)

    def stop(self) -> None:
        """Ends it."""
        self.remote.close()
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        if self._process.stdout:
            self._process.stdout.close()


def container_tap(
    client: docker.DockerClient,
    network: str,
    names: list[str],
    port: int,
    labels: Mapping[str, str],
) -> Remote:
    """A tap in a container that takes the names of a service; the service itself answers to BEHIND with the first of
    them. It goes with what carries the labels. Raises EnvironmentProblem."""
    name = names[0]
    word = secrets.token_hex(8)
    words = ["0.0.0.0", port, BEHIND.format(name), port, "0.0.0.0", CONTROL, "/tmp/journal.jsonl"]
    try:
        config = client.api.create_networking_config(
            {network: client.api.create_endpoint_config(aliases=names)}
        )
        made = client.api.create_container(
            os.environ.get("REHEARSE_BASE_IMAGE") or base_image(client, IMAGE),
            command=["python3", "-S", "-m", "tap", *map(str, words)],
            environment={"TAP_WORD": word},
            working_dir="/rehearse",
            ports=[CONTROL],
            labels={**labels, "rehearse.tap": name},
            networking_config=config,
            host_config=client.api.create_host_config(
                port_bindings={CONTROL: ("127.0.0.1", None)},
                mem_limit=MEMORY,
                memswap_limit=MEMORY,
                log_config=LOG_CONFIG,
            ),
        )["Id"]
        client.api.put_archive(made, "/", _archive())
        client.api.start(made)
        _wait_until_up(client, made, name)
        published = client.api.inspect_container(made)["NetworkSettings"]["Ports"][f"{CONTROL}/tcp"]
    except DockerException as problem:
        raise _not_up(name, str(problem)[:300]) from problem
    return Remote(name, ("127.0.0.1", int(published[0]["HostPort"])), word)


def _wait_until_up(client: docker.DockerClient, made: str, name: str) -> None:
    limit = time.monotonic() + READY_WITHIN
    while b"ready" not in (said := client.api.logs(made)):
        state = client.api.inspect_container(made)["State"]
        if not state["Running"] or time.monotonic() > limit:
            raise _not_up(name, said.decode(errors="replace")[-500:])
        time.sleep(0.05)


def _archive() -> bytes:
    """The tap's code as a tar file, for an engine that may run on another machine."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in sorted(CODE.rglob("*.py")):
            archive.add(path, f"rehearse/tap/{path.relative_to(CODE)}")
    return packed.getvalue()


def _not_up(service: str, said: str) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"the tap before service {service!r} did not come up: {said or 'it said nothing'}",
        expected="a small Python process that listens in the service's place",
        cause="an image without python3, or no room for one more process",
        fix="rehearse without it: --tap off, and leave `faults` out of --probes",
    )
