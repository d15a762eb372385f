"""Compose files that would reach out of the rehearsal, or break who reads them."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from harness.compose import read
from harness.errors import Refused, UsageError
from tests.compose.written import one, whole

REFUSED = {
    "privileged: true": "web.privileged",
    "network_mode: host": "web.network_mode",
    "network_mode: container:other": "web.network_mode",
    "pid: host": "web.pid",
    "ipc: host": "web.ipc",
    "userns_mode: host": "web.userns_mode",
    "uts: host": "web.uts",
    "cgroup: host": "web.cgroup",
    "cgroup_parent: /machine": "web.cgroup_parent",
    "devices: [/dev/sda:/dev/sda]": "web.devices",
    "device_cgroup_rules: ['c *:* rwm']": "web.device_cgroup_rules",
    "gpus: all": "web.gpus",
    "cap_add: [SYS_ADMIN]": "web.cap_add",
    "security_opt: [seccomp:unconfined]": "web.security_opt",
    "security_opt: [apparmor=unconfined]": "web.security_opt",
    "security_opt: [label:disable]": "web.security_opt",
    "use_api_socket: true": "web.use_api_socket",
    "volumes: ['/var/run/docker.sock:/s']": "web.volumes:/var/run/docker.sock",
    "volumes: ['/:/host']": "web.volumes:/",
    "volumes: ['../:/up']": "web.volumes:../",
    "volumes: ['~/.ssh:/keys:ro']": "web.volumes:~/.ssh",
    "volumes: ['./link:/etc']": "web.volumes:./link",
    "volumes: ['./own.sock:/s']": "web.volumes:./own.sock",
    "volumes: [{type: bind, source: /etc, target: /e}]": "web.volumes:/etc",
    "volumes: ['${OUT}:/e']": "web.volumes:/etc",
    "env_file: /etc/passwd": "web.env_file",
    "build: {context: ..}": "web.build",
    "build: {context: ., dockerfile: /etc/Dockerfile}": "web.build.dockerfile",
    "build: {context: ., privileged: true}": "web.build.privileged",
    "build: {context: ., network: host}": "web.build.network",
    "build: {context: ., entitlements: [network.host]}": "web.build.entitlements",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with a link out of it, and a socket in it."""
    inner = tmp_path / "p"
    inner.mkdir()
    (inner / "link").symlink_to("/etc")
    with socket.socket(socket.AF_UNIX) as own:
        own.bind(str(inner / "own.sock"))
    return inner


@pytest.mark.parametrize("text", REFUSED)
def test_it_is_refused_and_the_refusal_says_how_to_allow_it(folder: Path, text: str) -> None:
    with pytest.raises(Refused) as caught:
        one(folder, text, OUT="/etc")
    assert caught.value.exit_code == 6
    assert f'allow=["{REFUSED[text]}"]' in caught.value.fix


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("privileged: true", {"privileged": True}),
        ("cap_add: [NET_ADMIN]", {"cap_add": ["NET_ADMIN"]}),
        ("pid: host", {"pid_mode": "host"}),
        ("devices: [/dev/fuse]", {"devices": ["/dev/fuse"]}),
    ],
)
def test_allowed_by_name_it_is_done(folder: Path, text: str, option: dict[str, object]) -> None:
    assert one(folder, text, allow=[REFUSED.get(text, f"web.{text.partition(':')[0]}")]).container == option


def test_a_name_that_allows_nothing_is_told(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"web\.priviledged"):
        one(folder, "user: '1'", allow=["web.priviledged"])


def test_a_folder_of_the_project_and_what_makes_it_stricter_need_nobodys_leave(folder: Path) -> None:
    text = "volumes: ['.:/src']\nsecurity_opt: [no-new-privileges:true]\ncap_drop: [ALL]\nprivileged: false"
    assert one(folder, text).volumes == ["./.:/src"]


def bomb(levels: int) -> str:
    rows = ["x-0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    rows += [f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(rows) + "\nservices: {web: {image: a}}\n"


def merges(levels: int) -> str:
    rows = ["x-0: &a0 {k: v}"]
    rows += [f"x-{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}], k{n}: v}}" for n in range(1, levels)]
    return "\n".join(rows) + "\nservices: {web: {image: a}}\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(bomb(9), id="a thousand million laughs"),
        pytest.param(merges(9), id="merges that double"),
        pytest.param("a: &a [*a]\nservices: {}", id="an alias that holds itself"),
        pytest.param("a: &a {<<: *a}\nservices: {}", id="a merge of itself"),
        pytest.param("[" * 100_000, id="a hundred thousand levels"),
        pytest.param("a: " + "{a: " * 500, id="500 tables in tables"),
        pytest.param("a:\n" + "  - b\n" * 200_000, id="200,000 rows"),
        pytest.param("a: " + "x" * (10 * 2**20), id="10 MB"),
        pytest.param(
            "services: {web: {image: '" + "${A:-" * 50_000 + "'}}", id="50,000 defaults of defaults"
        ),
        pytest.param("!!python/object/apply:os.system ['touch pwned']", id="a Python object"),
        pytest.param("services: {web: {image: !!python/name:os.system }}", id="a Python name"),
        pytest.param("services: {? [a] : b}", id="a key that is a list"),
        pytest.param("a: 'x\0y'", id="a zero byte"),
        pytest.param("--- a\n--- b", id="two documents"),
        pytest.param("a: *gone", id="an alias to nothing"),
        pytest.param("%YAML 9.9\n---\na: b", id="YAML 9.9"),
    ],
)
def test_it_is_told_and_breaks_nothing(tmp_path: Path, text: str) -> None:
    began = time.process_time()
    with pytest.raises(UsageError):
        whole(tmp_path, text)
    assert time.process_time() - began < 20, "a bomb would take hours"
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("what", ["gone", "folder", "device", "binary"])
def test_a_path_that_is_no_compose_file_is_told(tmp_path: Path, what: str) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    path = {
        "gone": tmp_path / "gone",
        "folder": tmp_path,
        "device": Path("/dev/zero"),
        "binary": tmp_path / "binary",
    }
    with pytest.raises(UsageError):
        read(path[what], tmp_path)
