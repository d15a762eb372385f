"""Where this rehearse came from, in words that pip takes on another machine: what a project's workflow installs.

The package of that name on PyPI is another project's, so a bare name is right only where an index gave us ours.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

NAME = "rehearse"
BESIDE = ".github"
"""The folder of a project in which a wheel of ours lies, for its workflows."""


def requirement(root: Path) -> tuple[str, str]:
    """What `pip install` takes in the folder `root`, and a remark on it. What was installed from this machine's disk
    is laid beside the workflow as a wheel. Source: PEP 610, direct_url.json."""
    wheel = next((root / BESIDE).glob(f"{NAME}-*.whl"), None)
    if wheel is not None:
        return f"./{BESIDE}/{wheel.name}", ""
    try:
        own = distribution(NAME)
    except PackageNotFoundError:
        return _laid_beside(Path(__file__).parents[2], root)
    told = own.read_text("direct_url.json")
    if told is None:
        return f"{NAME}=={own.version}", "the workflow installs it from the index that this one came from"
    where = msgspec.json.decode(told)
    url = str(where["url"])
    if "vcs_info" in where:
        below = f"#subdirectory={where['subdirectory']}" if "subdirectory" in where else ""
        return f"{NAME} @ {where['vcs_info']['vcs']}+{url}@{where['vcs_info']['commit_id']}{below}", ""
    if not url.startswith("file:"):
        return f"{NAME} @ {url}", ""
    return _laid_beside(Path(unquote(urlsplit(url).path)), root)


def _laid_beside(source: Path, root: Path) -> tuple[str, str]:
    """A checkout or an archive on this machine: by its place within the project, else as a wheel."""
    if source.is_relative_to(root):
        return f"./{source.relative_to(root).as_posix()}", ""
    words = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(root / BESIDE), str(source)]
    built = subprocess.run(words, capture_output=True, text=True, check=False)
    wheel = next((root / BESIDE).glob(f"{NAME}-*.whl"), None)
    if built.returncode or wheel is None:
        last = (built.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        return (
            "./FILL-IN",
            f"FILL IN in the workflow where rehearse comes from: no wheel could be made ({last})",
        )
    return f"./{BESIDE}/{wheel.name}", f"commit {BESIDE}/{wheel.name} too: the workflow installs it"
