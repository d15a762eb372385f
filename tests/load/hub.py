"""Plays a load whose workers are elsewhere: `python hub.py FOLDER BASE COUNT WORKERS PORT`. Prints the notes."""

import json
import sys
import time
from pathlib import Path

from harness.drive.locust.fleet import Fleet
from harness.drive.locust.terms import Step
from tests.load.plays import order

folder, base, count, workers, port = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
steps = order(base, Step(first=0, count=count, concurrency=12), workers=workers)
with Fleet(steps, folder, local=0, bind=("0.0.0.0", port)) as fleet:
    fleet.wait(time.monotonic() + 200)
    print(json.dumps(fleet.notes))
