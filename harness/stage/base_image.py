"""The base image for machines that reach no image registry: Debian with Python, made by debootstrap."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import docker
from docker.errors import APIError, ImageNotFound, NotFound

from harness.errors import EnvironmentProblem
from harness.stage.building import answers_closed
from harness.stage.leash import leave_the_rest, stand_by
from harness.stage.network_needs import private_bundle
from harness.stage.watchdog import scratch_folder

SUITE = "bookworm"
PACKAGES = "python3,python3-venv,ca-certificates"
TAG = f"rehearse/debian-python:{SUITE}-1"
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


def base_image(client: docker.DockerClient, wanted: str) -> str:
    """The image to build on: `wanted` where the engine has it or can pull it, else our own Debian base."""
    try:
        client.images.get(wanted)
        return wanted
    except ImageNotFound:
        pass
    try:
        client.images.get(TAG)  # made on an earlier day because no registry could be reached
        return TAG
    except ImageNotFound:
        pass
    try:
        with answers_closed(client):
            client.images.pull(wanted)
        return wanted
    except (APIError, NotFound) as problem:
        return _make(client, wanted, str(problem))


def can_make() -> str:
    """ "" where this machine can make a Debian base by itself, else what is missing."""
    if not Path("/etc/debian_version").exists():
        return "this is no Debian"
    if os.geteuid() != 0:
        return "debootstrap needs root"
    if not shutil.which("debootstrap"):
        return "debootstrap is not installed (apt-get install debootstrap)"
    return ""


def _make(client: docker.DockerClient, wanted: str, why: str) -> str:
    missing = can_make()
    if missing:
        raise EnvironmentProblem(
            f"base image {wanted} cannot be pulled ({why[:160]}), and no Debian base can be made: {missing}",
            expected=f"{wanted} in the engine, a registry that has it, or root on Debian with debootstrap",
            fix=f"load an image with Python 3 and name it: REHEARSE_BASE_IMAGE=<image>, or docker pull {wanted}",
        )
    print(f"no registry has {wanted}: making a Debian base with debootstrap, once", file=sys.stderr)  # noqa: T201
    folder = scratch_folder(stand_by())
    try:
        root = folder / "root"
        _run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(root)])
        bundle = private_bundle() or CA_BUNDLE
        if bundle.exists():  # a machine behind its own certificate authority needs it inside builds too
            shutil.copyfile(bundle, root / CA_BUNDLE.relative_to("/"))
        archive = folder / "root.tar"
        _run(["tar", "-C", str(root), "-cf", str(archive), "--exclude=./var/cache/apt/archives/*.deb", "."])
        changes = [f"ENV PIP_CERT={CA_BUNDLE} PIP_DISABLE_PIP_VERSION_CHECK=1", "LABEL rehearse.base=1"]
        client.api.import_image_from_file(str(archive), *TAG.split(":"), changes=changes)
    except BaseException:  # what it has started itself, and mounted, is left to the watchdog
        leave_the_rest()
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return TAG


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join("    | " + line for line in (done.stdout + done.stderr).splitlines()[-10:])
        raise EnvironmentProblem(
            f"`{' '.join(command)}` failed with exit code {done.returncode}:\n{last}",
            expected="a Debian base for the sample images",
            cause="no package mirror can be reached, or the disk is full",
            fix=f"try the command by hand on this {platform.system()} machine",
        )
