"""How the memory agent gets into a Python service without a rebuild, and how it is asked.

A folder with its `sitecustomize` stands first in PYTHONPATH (by a read-only mount, in a container); every Python
process of the service then answers on a socket in a folder that both sides see.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import shutil
import socket
from pathlib import Path

from harness.stage.watchdog import scratch_folder

CODE = Path(__file__).parent / "agent"
INSIDE = "/rehearse"
TIMEOUT = 10.0
CAPTURE_PACKAGES = ("memray", "memray.libs", "rich", "pygments", "markdown_it", "mdurl")


class Agent:
    """The agent of one service: where its sockets and captures are on this machine, and how it is asked.

    Close it when the stage ends; its captures go with it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.chmod(0o777)  # the service may run as anybody

    def close(self) -> None:
        """Removes its folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self, pythonpath: str, *, inside: bool) -> dict[str, str]:
        """The environment that injects it, before what PYTHONPATH already holds. `inside` a container the folders
        are where `mounts` puts them."""
        code = f"{INSIDE}/agent" if inside else str(CODE)
        return {
            "PYTHONPATH": f"{code}:{pythonpath}" if pythonpath else code,
            "REHEARSE_AGENT_DIR": f"{INSIDE}/sockets" if inside else str(self.folder),
            "REHEARSE_AGENT_CAPTURE": f"{INSIDE}/capture" if inside else str(site_packages() or ""),
        }

    def mounts(self) -> dict[str, tuple[str, str]]:
        """What a container has to see: the folder here, and its place and mode (ro, rw) there."""
        found = {str(CODE): (f"{INSIDE}/agent", "ro"), str(self.folder): (f"{INSIDE}/sockets", "rw")}
        site = site_packages()
        for name in CAPTURE_PACKAGES:
            if site and (site / name).is_dir():
                found[str(site / name)] = (f"{INSIDE}/capture/{name}", "ro")
        return found

    def ask(self, words: str) -> dict[int, dict[str, object]]:
        """What each process of the service answers, by its pid (as the service numbers them). Those that have ended,
        or do not answer within 10 seconds, are left out."""
        answers = {}
        for path in sorted(self.folder.glob("*.sock")):
            try:
                answers[int(path.stem)] = _ask(path, words)
            except ConnectionRefusedError:  # its process is gone
                with contextlib.suppress(OSError):
                    path.unlink()
            except (OSError, ValueError):
                continue
        return answers

    def captures(self) -> list[Path]:
        """The captures that processes of the service have made so far."""
        return sorted(self.folder.glob("*.capture"))

    def live_heap(self) -> int | None:
        """Live bytes in the heaps of all processes, after garbage collection; None where one cannot tell."""
        told = [answer.get("live") for answer in self.ask("heap").values()]
        known = [live for live in told if isinstance(live, int)]
        return sum(known) if told and len(known) == len(told) else None


class NoAgent(Agent):
    """For services without it: nobody answers."""

    def __init__(self) -> None:
        """Makes no folder."""

    def close(self) -> None:
        """Nothing was made."""

    def mounts(self) -> dict[str, tuple[str, str]]:
        """Nothing has to be seen."""
        return {}

    def ask(self, words: str) -> dict[int, dict[str, object]]:
        """Nobody answers."""
        return {}

    def captures(self) -> list[Path]:
        """Nobody made any."""
        return []


def agent_for(owner: str, *, wanted: bool) -> Agent:
    """The agent of one service, or the one that does nothing. Its folder goes with what `owner` owns."""
    return Agent(scratch_folder(owner)) if wanted else NoAgent()


def _ask(path: Path, words: str) -> dict[str, object]:
    with socket.socket(socket.AF_UNIX) as channel, channel.makefile("rwb") as stream:
        channel.settimeout(TIMEOUT)
        channel.connect(str(path))
        stream.write(words.encode() + b"\n")
        stream.flush()
        answer: dict[str, object] = json.loads(stream.readline())
        return answer


def site_packages() -> Path | None:
    """Where memray is installed on this machine; None without the extra `memory`."""
    found = importlib.util.find_spec("memray")
    return Path(found.origin).parent.parent if found and found.origin else None
