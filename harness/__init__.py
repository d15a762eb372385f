"""rehearse: the dress rehearsal of a batch. These are the names that a scenario file needs."""

from harness.drive.client import Live, Response
from harness.model.finding import Finding
from harness.model.people import SyntheticUser
from harness.model.scenario import Effect, Outcome, Process, Progress, Scenario, Service, trigger
from harness.population import Population

__all__ = [
    "Effect",
    "Finding",
    "Live",
    "Outcome",
    "Population",
    "Process",
    "Progress",
    "Response",
    "Scenario",
    "Service",
    "SyntheticUser",
    "trigger",
]
