"""Images of the services, built once for each content of their folder."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

import docker
from docker.errors import APIError, BuildError, ImageNotFound
from docker.utils.build import exclude_paths

from harness.errors import EnvironmentProblem
from harness.model.scenario import Service
from harness.stage.base_image import base_image

CONTENT_LABEL = "rehearse.content"
_BASE = re.compile(r"^ARG\s+BASE_IMAGE=(\S+)", re.MULTILINE)


def image_for(client: docker.DockerClient, service: Service, root: Path) -> str:
    """The tag of the service's image, built if its content is new. Raises EnvironmentProblem."""
    if not service.build:
        return _existing(client, service)
    folder = root / service.build
    args = _build_args(client, folder)
    tag = f"rehearse/{folder.parent.name}-{folder.name}".lower() + f":{_content(folder, args)}"
    try:
        client.images.get(tag)
    except ImageNotFound:
        _build(client, service, folder, tag, args)
    return tag


def _build_args(client: docker.DockerClient, folder: Path) -> dict[str, str]:
    wanted = _BASE.search((folder / "Dockerfile").read_text())
    if not wanted:
        return {}
    return {"BASE_IMAGE": os.environ.get("REHEARSE_BASE_IMAGE") or base_image(client, wanted[1])}


def _content(folder: Path, args: dict[str, str]) -> str:
    digest = hashlib.sha256(repr(sorted(args.items())).encode())
    for name in _context(folder):
        path = folder / name
        if path.is_file():
            digest.update(f"\0{name}\0{path.stat().st_mode & 0o111}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _context(folder: Path) -> Iterable[str]:
    ignore = folder / ".dockerignore"
    patterns = ignore.read_text().splitlines() if ignore.exists() else []
    return sorted(exclude_paths(str(folder), [*patterns, "**/__pycache__", "**/*.pyc"], "Dockerfile"))


def _build(
    client: docker.DockerClient, service: Service, folder: Path, tag: str, args: dict[str, str]
) -> None:
    lines: list[str] = []
    try:
        stream = client.api.build(
            path=str(folder),
            tag=tag,
            buildargs=args,
            rm=True,
            forcerm=True,
            decode=True,
            labels={CONTENT_LABEL: tag},
        )
        for chunk in stream:
            lines += str(chunk.get("stream", "")).splitlines()
            if "error" in chunk:
                raise BuildError(chunk["error"], [])
    except (APIError, BuildError, TypeError) as problem:
        last = "\n".join("    | " + line for line in [line for line in lines if line.strip()][-15:])
        raise EnvironmentProblem(
            f"the image of service {service.name!r} could not be built from {service.build}: {problem}\n{last}",
            expected="a Dockerfile that builds here",
            cause="the step that the last lines show",
            fix=f"docker build {service.build}",
        ) from problem


def _existing(client: docker.DockerClient, service: Service) -> str:
    if not service.image:
        raise EnvironmentProblem(
            f"service {service.name!r} has neither build= nor image=",
            expected="something that a container can be made from",
            fix="give it a Dockerfile, or rehearse with --stage process",
        )
    try:
        client.images.get(service.image)
    except ImageNotFound:
        try:
            client.images.pull(service.image)
        except APIError as problem:
            raise EnvironmentProblem(
                f"image {service.image} of service {service.name!r} is not in the engine and cannot be pulled:"
                f" {str(problem)[:200]}",
                expected="an image that the engine has or can pull",
                fix=f"docker pull {service.image}, or give build= instead",
            ) from problem
    return service.image
