"""rehearse: the dress rehearsal of a batch. These are the names that a scenario file needs."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.drive.client import Live
    from harness.drive.messages import Response
    from harness.model.attached import Attached
    from harness.model.finding import Finding
    from harness.model.load import Load
    from harness.model.people import SyntheticUser
    from harness.model.scenario import Effect, Outcome, Progress, Scenario, trigger
    from harness.model.secret import Secret
    from harness.model.service import Build, Healthcheck, Process, Service
    from harness.population import Population

__all__ = [
    "Attached",
    "Build",
    "Effect",
    "Finding",
    "Healthcheck",
    "Live",
    "Load",
    "Outcome",
    "Population",
    "Process",
    "Progress",
    "Response",
    "Scenario",
    "Secret",
    "Service",
    "SyntheticUser",
    "trigger",
]

_SCENARIO = "harness.model.scenario"
_HOMES = {
    "Attached": "harness.model.attached",
    "Build": "harness.model.service",
    "Healthcheck": "harness.model.service",
    "Finding": "harness.model.finding",
    "Live": "harness.drive.client",
    "Load": "harness.model.load",
    "Population": "harness.population",
    "Response": "harness.drive.messages",
    "Secret": "harness.model.secret",
    "SyntheticUser": "harness.model.people",
}


def __getattr__(name: str) -> object:
    """A name is fetched when it is asked for: the pytest plugin passes this door in every test run."""
    if name not in __all__:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, _SCENARIO)), name)
