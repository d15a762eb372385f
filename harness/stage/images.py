"""Images of the services, built once for each content of their folder."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import docker
from docker.errors import APIError, BuildError, ImageNotFound
from docker.utils.build import create_archive, exclude_paths

from harness.errors import EnvironmentProblem
from harness.model.service import Build, Service
from harness.stage.base_image import base_image
from harness.stage.building import Building, answers_closed
from harness.stage.network_needs import IN_CONTEXT, private_bundle, proxies, with_authorities

CONTENT_LABEL = "rehearse.content"
_BASE = re.compile(r"^ARG\s+BASE_IMAGE=(\S+)", re.MULTILINE)


def image_for(client: docker.DockerClient, service: Service, root: Path) -> str:
    """The tag of the service's image, built if its content is new. Raises EnvironmentProblem."""
    recipe = service.recipe
    if recipe is None:
        return _existing(client, service)
    folder = (root / recipe.context).resolve()
    recipe = replace(recipe, args=_build_args(client, folder, recipe))
    tag = f"rehearse/{_word(folder.parent.name)}-{_word(folder.name)}:{_content(folder, recipe)}"
    try:
        client.images.get(tag)
    except ImageNotFound:
        _build(client, service, folder, tag, recipe)
    return tag


def _word(name: str) -> str:
    """A folder's name as a part of an image's."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "root"


def _build_args(client: docker.DockerClient, folder: Path, recipe: Build) -> dict[str, str]:
    wanted = _BASE.search((folder / recipe.dockerfile).read_text())
    if not wanted or "BASE_IMAGE" in recipe.args:
        return dict(recipe.args)
    base = os.environ.get("REHEARSE_BASE_IMAGE") or base_image(client, wanted[1])
    return {**recipe.args, "BASE_IMAGE": base}


def _content(folder: Path, recipe: Build) -> str:
    told = [*sorted(recipe.args.items()), recipe.dockerfile, recipe.target]
    digest = hashlib.sha256(repr(told).encode())
    for name in _context(folder, recipe.dockerfile):
        path = folder / name
        if path.is_file():
            digest.update(f"\0{name}\0{path.stat().st_mode & 0o111}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _context(folder: Path, dockerfile: str) -> Iterable[str]:
    ignore = folder / ".dockerignore"
    patterns = ignore.read_text().splitlines() if ignore.exists() else []
    return sorted(exclude_paths(str(folder), [*patterns, "**/__pycache__", "**/*.pyc"], dockerfile))


def _build(client: docker.DockerClient, service: Service, folder: Path, tag: str, recipe: Build) -> None:
    what = f"the image of service {service.name!r}"
    building = Building(client, what)
    try:
        building.run(
            fileobj=_archive(folder, recipe),
            custom_context=True,
            tag=tag,
            dockerfile=recipe.dockerfile,
            target=recipe.target or None,
            buildargs={**proxies(client), **recipe.args},
            labels={CONTENT_LABEL: tag},
        )
    except (APIError, BuildError, TypeError) as problem:
        raise EnvironmentProblem(
            f"{what} could not be built from {recipe.context}: {problem}\n{building.last_lines}",
            expected="a Dockerfile that builds here",
            cause="the step that the last lines show",
            fix=f"docker build -f {recipe.context}/{recipe.dockerfile} {recipe.context}",
        ) from problem


def _archive(folder: Path, recipe: Build) -> BinaryIO:
    """What the engine gets to build from; the authorities are no part of the content that makes a new image."""
    dockerfile, extra = (folder / recipe.dockerfile).read_text(), []
    bundle = private_bundle()
    if bundle is not None:
        dockerfile = with_authorities(dockerfile)
        extra = [(IN_CONTEXT, bundle.read_text())]
    files = [name for name in _context(folder, recipe.dockerfile) if name != ".dockerignore"]
    archive: BinaryIO = create_archive(
        str(folder), files=files, extra_files=[(recipe.dockerfile, dockerfile), *extra]
    )
    return archive


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
            with answers_closed(client):
                client.images.pull(service.image)
        except APIError as problem:
            raise EnvironmentProblem(
                f"image {service.image} of service {service.name!r} is not in the engine and cannot be pulled:"
                f" {str(problem)[:200]}",
                expected="an image that the engine has or can pull",
                fix=f"docker pull {service.image}, or give build= instead",
            ) from problem
    return service.image
