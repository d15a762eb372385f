"""Where a finding about items belongs."""

from __future__ import annotations

from harness.model.record import Record


def batch_of(record: Record) -> str:
    """The service that holds the batch: the one behind a gateway, else the last."""
    entries = [service for service in record.manifest.services if service.entry != service.name]
    return entries[0].name if entries else record.manifest.services[-1].name
