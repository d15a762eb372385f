"""Reads a compose file into plain facts. Knows nothing of the rest of the house.

What a rehearsal does not do is named in `left_out` of the service; what would reach out of the rehearsal is refused
unless it is allowed by name.
"""

from harness.compose.facts import ComposeFile, ComposeService
from harness.compose.reading import read

__all__ = ["ComposeFile", "ComposeService", "read"]
