"""What builds get from the environment, and what makes a new image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.model.service import Build, Service
from harness.stage import Engine
from harness.stage.engine import NoEngine, find_engine
from harness.stage.images import image_for
from harness.stage.network_needs import BUNDLE_NAMED_BY, private_bundle, with_authorities

DOCKERFILE = """\
ARG BASE_IMAGE=python:3.12-slim
FROM ${BASE_IMAGE} AS first
ARG WORD=none
RUN echo "$WORD $HTTPS_PROXY $CURL_CA_BUNDLE" > /seen; head -n 1 "$CURL_CA_BUNDLE" >> /seen
FROM first AS second
RUN exit 7
"""


Built = tuple[Engine, Path, list[str]]


@pytest.fixture
def built(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Engine, Path, list[str]]]:
    """A project to build from, and the tags that were made, which are removed."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app/odd.Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "own.pem").write_text("-----OUR AUTHORITY-----\n")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:word@proxy.example:3128")
    monkeypatch.setenv("REHEARSE_CA_BUNDLE", str(tmp_path / "own.pem"))
    tags: list[str] = []
    yield engine, tmp_path, tags
    for tag in set(tags):
        engine.client.images.remove(tag, force=True)


@pytest.mark.engine
@pytest.mark.timeout(300)
def test_a_build_gets_arguments_target_proxies_and_authorities(built: Built) -> None:
    engine, root, tags = built

    def image(**args: str) -> str:
        recipe = Build("app", "odd.Dockerfile", args, "first")
        tags.append(image_for(engine.client, Service(port=1, build=recipe, name="app"), root))
        return tags[-1]

    tag = image(WORD="hello")
    seen = engine.client.containers.run(tag, ["cat", "/seen"], remove=True).decode()
    assert (
        seen
        == "hello http://user:word@proxy.example:3128 /rehearse-authorities.pem\n-----OUR AUTHORITY-----\n"
    )
    kept = engine.client.images.get(tag)
    assert "proxy.example" not in str(kept.attrs) + str(kept.history()), "a proxy's password is in no image"
    assert "CURL_CA_BUNDLE=" not in str(kept.attrs["Config"]["Env"]), "authorities are for the build alone"

    made = kept.attrs["Created"]
    assert image(WORD="hello") == tag and engine.client.images.get(tag).attrs["Created"] == made, (
        "nothing is new"
    )
    assert image(WORD="other") != tag
    (root / "app/more").write_text("content")
    assert image(WORD="hello") != tag


def test_every_stage_of_a_dockerfile_trusts_the_authorities_while_it_is_built() -> None:
    rows = with_authorities("FROM a AS b\nRUN x \\\n  FROM y\nfrom b").splitlines()
    copies = [n for n, row in enumerate(rows) if row.startswith("COPY .rehearse-authorities.pem")]
    assert [rows[n - 1] for n in copies] == ["FROM a AS b", "from b"]
    assert rows[copies[0] + 1] == "ARG SSL_CERT_FILE=/rehearse-authorities.pem"


def test_a_bundle_that_is_named_and_not_there_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in BUNDLE_NAMED_BY:
        monkeypatch.delenv(name, raising=False)
    assert private_bundle() is None
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone"))
    assert private_bundle() is None
    (tmp_path / "there").touch()
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "there"))
    assert private_bundle() == tmp_path / "there"


@pytest.mark.parametrize(
    ("host", "why"), [("unix:///nowhere.sock", "no socket"), ("tcp://127.0.0.1:1", "nothing listens")]
)
def test_an_engine_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch, host: str, why: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    found = find_engine()
    assert isinstance(found, NoEngine) and why in found.why
