"""Random whole numbers inside a text, found by trying a few and watching where they come out.

``"%05d" % random.randint(501, 99950)`` is run with the highest number and with others: where 99950 stood,
00501 and 50226 stand, five digits wide, and nothing else moves. So it is a pool of 99,450 texts. A text in
which the numbers come out in any other way is not readable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from harness.population.grammar import NotReadable, Pool, literal

LARGEST, MOST = 100_000, 3
SHARES = (0.0, 0.013, 0.09, 0.21, 0.37, 0.5, 0.618, 0.75, 0.87, 0.93, 0.991, 1.0)
"""Where between lowest and highest the tried numbers lie."""


class Probe:
    """Gives the random numbers of one run: the highest, or at the share asked for."""

    def __init__(self, shares: Mapping[int, float]) -> None:
        self.limits: list[tuple[int, int]] = []
        self._shares = shares

    def number(self, low: int, high: int) -> int:
        """The next number of the run."""
        if not 0 <= low <= high < low + LARGEST or len(self.limits) == MOST:
            raise NotReadable("too many numbers")
        self.limits.append((low, high))
        return self.at(len(self.limits) - 1)

    def at(self, which: int) -> int:
        """The number that came or comes at that call."""
        low, high = self.limits[which]
        return low + round((high - low) * self._shares.get(which, 1.0))


Place = tuple[int, int, int]
"""Where a number begins in the text, which one it is, and how many digits it is filled up to."""


def numbers_in(render: Callable[[Probe], object]) -> tuple[Pool, ...]:
    """The pools of a text with random numbers in it."""
    probe = Probe({})
    text = _text(render, probe)
    if not probe.limits:
        raise NotReadable("no random number")
    places = sorted(_place(render, probe, text, which) for which in range(len(probe.limits)))
    for at, share in enumerate(SHARES):
        mixed = Probe({which: SHARES[(at + 5 * which) % len(SHARES)] for which in range(MOST)} | {0: share})
        if _text(render, mixed) != _filled(text, places, probe, mixed):
            raise NotReadable("the numbers depend on one another")
    return tuple(_pools(text, places, probe))


def _text(render: Callable[[Probe], object], probe: Probe) -> str:
    found = render(probe)
    if not isinstance(found, str):
        raise NotReadable("no plain text")
    return found


def _place(render: Callable[[Probe], object], highest: Probe, text: str, which: int) -> Place:
    tried = [Probe({which: share}) for share in SHARES]
    texts = [_text(render, probe) for probe in tried]
    most = len(str(highest.at(which)))
    for width in range(most + 3):
        shown = f"{highest.at(which):0{width}d}"
        for start in range(len(text) - len(shown) + 1):
            place = [(start, which, width)]
            if text.startswith(shown, start) and all(
                _filled(text, place, highest, probe) == made for probe, made in zip(tried, texts, strict=True)
            ):
                return start, which, width
    raise NotReadable("the number does not come out as it went in")


def _filled(text: str, places: list[Place], highest: Probe, probe: Probe) -> str:
    """The text of the highest numbers with the probe's in their places."""
    for start, which, width in reversed(places):
        end = start + len(f"{highest.at(which):0{width}d}")
        text = f"{text[:start]}{probe.at(which):0{width}d}{text[end:]}"
    return text


def _pools(text: str, places: list[Place], highest: Probe) -> Iterator[Pool]:
    done = 0
    for start, which, width in places:
        if start > done:
            yield literal(text[done:start])
        yield _written(*highest.limits[which], width)
        done = start + len(f"{highest.at(which):0{width}d}")
    if done < len(text):
        yield literal(text[done:])


@lru_cache(maxsize=64)
def _written(low: int, high: int, width: int) -> Pool:
    return Pool(tuple(f"{number:0{width}d}" for number in range(low, high + 1)))
