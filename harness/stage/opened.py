"""A stage that is up, whatever its kind: what `harness.model.stage.Stage` asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from harness.model.service import Service
from harness.tap.remote import Remote

Running = TypeVar("Running")


@dataclass
class Opened(Generic[Running]):
    """Its kind (docker, process, attach), the services by name, where requests for each enter, and the taps."""

    kind: str
    services: dict[str, Running] = field(default_factory=dict)
    entries: dict[str, str] = field(default_factory=dict)
    taps: dict[str, Remote] = field(default_factory=dict)

    def enter_by(self, known: Mapping[str, Service]) -> None:
        """Requests for a service enter at the gateway in front of it, where that is up, else at itself."""
        self.entries = {name: name for name in self.services}
        for name, service in known.items():
            if service.fronts and name in self.services:
                self.entries[service.fronts.name] = name
