"""The services up and reachable, owned by a `with`: as containers, or as plain processes."""

from harness.stage.containers import build_images, container_stage
from harness.stage.engine import Engine, NoEngine, find_engine, need_engine
from harness.stage.process import process_stage

__all__ = [
    "Engine",
    "NoEngine",
    "build_images",
    "container_stage",
    "find_engine",
    "need_engine",
    "process_stage",
]
