"""Something that goes on beside, such as a press while another is at work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """Something that goes on beside; `result` waits for it, and raises what it raised."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._results: list[T] = []
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), name="press", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return not self._thread.is_alive()

    def result(self) -> T:
        """What it gave."""
        self._thread.join()
        if self._problem is not None:
            raise self._problem
        return self._results[0]

    def _run(self, work: Callable[[], T]) -> None:
        try:
            self._results.append(work())
        except BaseException as problem:  # noqa: BLE001  # it is raised again where the result is asked for
            self._problem = problem
