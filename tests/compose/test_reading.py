"""What is taken out of a compose file, and what is named because it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import Scenario, Service
from harness.compose import read
from harness.errors import UsageError
from harness.loading import load
from harness.model.service import Build, Verbatim
from tests.compose.written import one, project, whole


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("command: serve --name 'a b'", "command", ["serve", "--name", "a b"]),
        ('command: ["serve", "--name", "a b"]', "command", ["serve", "--name", "a b"]),
        ("entrypoint: /run.sh", "entrypoint", ["/run.sh"]),
        (
            "environment: {A: 1.10, B: true, C: '', D: no}",
            "env",
            {"A": "1.10", "B": "true", "C": "", "D": "no"},
        ),
        ("environment: ['A=1=2', 'B=']", "env", {"A": "1=2", "B": ""}),
        ("environment: {HERE: , GONE: }", "env", {"HERE": "from outside"}),
        ("ports: ['8080:80']", "port", 80),
        ("ports: ['127.0.0.1:8080:80/tcp']", "port", 80),
        ("ports: [22:22]", "port", 22),
        ("ports: [3000-3002]", "port", 3000),
        ("ports: [{target: 80, published: 8080}]", "port", 80),
        ("ports: ['53:53/udp', '54:54']", "port", 54),
        ("expose: [9000]\nports: ['80']", "port", 80),
        ("expose: ['9000']", "port", 9000),
        ("mem_limit: 512m", "memory", 512 * 2**20),
        ("mem_limit: 1.5GB", "memory", 1536 * 2**20),
        ("deploy: {resources: {limits: {memory: 64M}}}", "memory", 64 * 2**20),
        (
            "volumes: ['data:/var/data', './conf:/etc/web:ro']",
            "volumes",
            ["data:/var/data", "./conf:/etc/web:ro"],
        ),
        ("volumes: [{type: volume, source: data, target: /d, read_only: true}]", "volumes", ["data:/d:ro"]),
        ("volumes: [/cache]", "container", {"tmpfs": {"/cache": ""}}),
        ("user: '1000:1000'\nworking_dir: /app", "container", {"user": "1000:1000", "working_dir": "/app"}),
        ("networks: {default: {aliases: [www]}}", "aliases", ["www"]),
        ("healthcheck: {test: [CMD, probe, -q]}", "check", ["probe", "-q"]),
        ("healthcheck: {test: probe || exit 1}", "check", "probe || exit 1"),
        ("healthcheck: {test: [NONE]}", "check", ""),
        ("healthcheck: {test: t, interval: 1m30s, retries: 4, start_period: 500ms}", "patience", 360.5),
        ("x-rehearse: {ready: /health}", "ready", "/health"),
    ],
)
def test_a_key_is_taken_over(tmp_path: Path, text: str, field: str, expected: object) -> None:
    assert getattr(one(tmp_path, text, HERE="from outside"), field) == expected


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("restart: always", "restart: always"),
        ("logging: {driver: syslog}", "logging"),
        ("deploy: {replicas: 3}", "deploy.replicas"),
        ("secrets: [key]", "secrets"),
        ("environment: [GONE]", "GONE"),
        ("ports: ['80', '81']", "81/tcp"),
        ("network_mode: none", "network_mode: none"),
        ("nonsense: 1", "nonsense"),
        ("networks: {default: {ipv4_address: 10.0.0.2}}", "ipv4_address"),
        ("", "no memory limit"),
        ("volumes: [{type: npipe, source: a, target: /b}]", "npipe"),
    ],
)
def test_what_is_not_taken_over_is_named(tmp_path: Path, text: str, named: str) -> None:
    assert any(named in row for row in one(tmp_path, text).left_out)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A-$$A ${A}", "1-$A 1"),
        ("${GONE:-x} ${EMPTY:-x} ${EMPTY-x}", "x x "),
        ("${GONE:-${ALSO-${A}}}", "1"),
        ("${A:+yes}${GONE+no}", "yes"),
        ("{A} {payouts.url}", "{A} {payouts.url}"),
    ],
)
def test_variables_are_filled_in_all_their_forms(tmp_path: Path, text: str, expected: str) -> None:
    assert one(tmp_path, f"environment: {{V: '{text}'}}", A="1", EMPTY="").env["V"] == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("image: ${TAG:?which one}", "which one"),
        ("image: ${", "without a name"),
        ("image: ${A", "without a name|behind A|not closed"),
        ("image: ${A:-x", "not closed"),
        ("image: ${A!}", "behind A"),
        ("image: a$", "without a name"),
    ],
)
def test_a_variable_that_cannot_be_filled_is_told_with_its_place(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        whole(tmp_path, f"services:\n  web:\n    {text}\n")
    assert "services.web.image" in caught.value.seen


def test_variables_come_from_the_environment_then_from_dotenv(tmp_path: Path) -> None:
    text = "services: {web: {image: '${A}-${B}-${C}'}}"
    path = project(tmp_path, text, __env="A=file\nB='two # words' # a remark\nexport C=${A}3\n")
    found = read(path, tmp_path, environ={"A": "outside"})
    assert found.services["web"].image == "outside-two # words-outside3"


def test_env_files_stand_below_the_environment(tmp_path: Path) -> None:
    text = """
        services:
          web:
            image: a
            env_file: [a.env, {path: gone.env, required: false}]
            environment: {A: own}
        """
    path = project(tmp_path, text, a__env='A=file\nB="x\\ny"\nC=a#b # c\n')
    assert read(path, tmp_path, environ={}).services["web"].env == {"A": "own", "B": "x\ny", "C": "a#b"}


def test_a_build_is_taken_over_with_its_arguments(tmp_path: Path) -> None:
    text = """
        services:
          web:
            build: {context: ./app, dockerfile: prod.Dockerfile, args: {V: 1, HOST: }, target: run, network: none}
        """
    (tmp_path / "app").mkdir()
    (tmp_path / "app/prod.Dockerfile").write_text("FROM a\nEXPOSE 9\nFROM b AS run\nEXPOSE 5000/tcp\n")
    web = read(project(tmp_path, text), tmp_path, environ={"HOST": "h"}).services["web"]
    assert (web.context, web.dockerfile, web.target) == ("app", "prod.Dockerfile", "run")
    assert web.args == {"V": "1", "HOST": "h"}
    assert web.port == 5000, "what the Dockerfile exposes, where the file says nothing"
    assert "build.network" in web.left_out


def test_anchors_and_merges_are_understood(tmp_path: Path) -> None:
    text = """
        x-base: &base {image: a, mem_limit: 64m}
        services:
          web: {<<: *base, image: b}
        """
    web = whole(tmp_path, text).services["web"]
    assert (web.image, web.memory) == ("b", 64 * 2**20)


def test_who_waits_for_whom(tmp_path: Path) -> None:
    text = """
        services:
          web:
            image: a
            depends_on:
              db: {condition: service_healthy}
              migrate: {condition: service_completed_successfully}
          migrate: {image: a, depends_on: [db]}
          db: {image: b, networks: [back]}
          debug: {image: c, profiles: [dev]}
        configs: {}
        """
    found = whole(tmp_path, text)
    assert found.services["web"].needs == ["db", "migrate"]
    assert found.services["migrate"].finishes and not found.services["db"].finishes
    assert any("share none" in row for row in found.services["web"].left_out), "networks are not kept apart"
    assert "debug" not in found.services and any("debug" in row for row in found.left_out)
    assert "configs:" in found.left_out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("services: {web: {build: https://example.org/a.git}}", "no folder"),
        ("services: {web: {ports: []}}", "nothing to run"),
        ("services: {web: {image: a, extends: b}}", "extends"),
        ("services: {web: {image: a, volumes: ['nowhere:/a']}}", "nowhere"),
        ("services: {web: {image: a, mem_limit: lots}}", "lots"),
        ("services: {web: {image: a, ports: [http]}}", "http"),
        ("services: {web: {image: a, depends_on: {b: {condition: nice}}}}", "nice"),
        ("services: {web: {image: a, x-rehearse: {raedy: /}}}", "raedy"),
        ("services: {web: {image: a, x-rehearse: {fronts: nobody}}}", "nobody"),
        ("services: {web: [a]}", "services.web"),
        ("include: [other.yaml]\nservices: {}", "include"),
        ("services: {}", "no services"),
        ("[1, 2]", "no table"),
        ("", "no table"),
        ("a: b: c", "compose.yaml:1"),
        ("services: {web: {image: !reset a}}", "tag"),
        ("services: {web: {image: a}, web: {image: b}}", "twice"),
    ],
)
def test_a_file_that_is_wrong_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        whole(tmp_path, text)


SCENARIO = """
from harness import Scenario, Service, trigger

class Mine(Scenario):
    usual = 10
    {services}

    @trigger("t")
    def t(self, live, users): ...

    def outcomes(self, live): return []
"""


def test_a_scenario_takes_all_services_in_one_line(tmp_path: Path) -> None:
    project(
        tmp_path,
        "services: {web-front: {image: a, depends_on: [db]}, db: {image: b, environment: {A: '{x}'}}}",
    )
    (tmp_path / "mine.py").write_text(
        SCENARIO.format(
            services='all = Service.from_compose("compose.yaml")\n    db = all["db"].with_env(B="2")'
        )
    )
    services = type(load(str(tmp_path / "mine.py")).scenario).services()
    assert list(services) == ["db", "web_front"]
    assert services["web_front"].aliases == ["web-front"]
    assert services["db"].env == {"A": "{x}", "B": "2"} and isinstance(services["db"].env["A"], Verbatim)


def test_or_one_of_them(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/Dockerfile").write_text("FROM a\n")
    project(tmp_path, "services: {web: {build: app}}")
    (tmp_path / "mine.py").write_text(
        SCENARIO.format(services='web = Service.from_compose("compose.yaml", "web")')
    )
    web = type(load(str(tmp_path / "mine.py")).scenario).services()["web"]
    assert web.recipe == Build("app") and web.port == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{seed: {image: a}}", "a word|something else"),
        ("{t: {image: a}}", "something else"),
        ("{web: {image: a}}", "no service 'wbe'"),
    ],
)
def test_a_name_that_does_not_fit_is_told(tmp_path: Path, text: str, told: str) -> None:
    project(tmp_path, f"services: {text}")
    call = (
        'Service.from_compose("compose.yaml", "wbe")'
        if "wbe" in told
        else 'Service.from_compose("compose.yaml")'
    )
    (tmp_path / "mine.py").write_text(SCENARIO.format(services=f"web = {call}"))
    with pytest.raises(UsageError, match=told):
        load(str(tmp_path / "mine.py"))


def test_the_scenario_class_itself_stays_as_it_was() -> None:
    assert not any(isinstance(value, Service) for value in vars(Scenario).values())
