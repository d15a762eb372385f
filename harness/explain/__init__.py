"""Which users fail, and why: rules over what was seen of all, and the smallest failing user, found by asking.

Pure: the world is asked through a function that is handed in.
"""

from harness.explain.asking import Budget, Told
from harness.explain.causes import explain
from harness.explain.table import Seen

__all__ = ["Budget", "Seen", "Told", "explain"]
