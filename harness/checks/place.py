"""Where a finding about items belongs."""

from __future__ import annotations

from harness.model.record import Record


def batch_of(record: Record) -> str:
    """The service that holds the batch: the one behind a gateway, else the last."""
    services = record.manifest.services
    entries = [service for service in services if service.entry != service.name]
    return next((service.name for service in (*entries, *reversed(services))), "batch")
