"""Saves the images that the tests in the machine start, as one archive: it has no network to build them with.

python -m tests.cgroup2.images FILE
"""

from __future__ import annotations

import subprocess
import sys

from harness.stage import build_images, need_engine
from harness.stage.base_image import base_image
from tests.conftest import ROOT
from tests.end_to_end.test_limit import Leaking


def main(file: str) -> None:
    engine = need_engine()
    base = base_image(engine.client, "python:3.12-slim")
    images = build_images(engine, Leaking(), ROOT)
    subprocess.run(["docker", "save", "-o", file, base, *images.values()], check=True)


if __name__ == "__main__":
    main(sys.argv[1])
