"""Reads a Faker method's formats and pools by running it once with symbols in place of chosen values.

The method gets a stand-in for ``self``. What it would choose at random comes back as a `Symbol` that stands
for every value at once; ``numerify``, ``parse``, ``+``, ``upper`` and the like act on all of them. A method
that does more with a value (looks into it, compares it, formats it) meets an object that is no string, and
raises; it is run again with its first choice made value by value, then with random numbers that are watched,
and is sampled in the end. So overridden and custom providers are read where possible, and right in any case.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from harness.population.grammar import Format, Grammar, NotReadable, pattern
from harness.population.numbers import Probe, numbers_in
from harness.population.symbols import Parts, Symbol, choice, drawn, grammar_of, strings

TOKEN = re.compile(r"\{\{\s*(\w+)\s*\}\}")
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_BRANCHES = 2_000


class Branch:
    """One run of a method: what its first choice takes, and its random numbers.

    take   the place of the value that the first choice gives; None for all values, as a symbol
    probe  gives the random numbers; None where they cannot be had
    """

    def __init__(self, take: int | None, probe: Probe | None = None) -> None:
        self.take, self.probe, self.size, self.weight = take, probe, 0, 1.0

    def choice(self, elements: Any) -> Any:
        """A plain value for the first choice, symbols for the later ones."""
        symbol = choice(elements)
        if self.take is None or self.size:
            return symbol
        self.size = len(symbol.values)
        value, self.weight = symbol.values[self.take]
        return value


def _branched(run: Callable[[Branch], Any]) -> Symbol:
    """All values of a method, its first choice tried value by value."""
    branch = Branch(0)
    values = [(run(branch), branch.weight)]
    if not 1 < branch.size <= MOST_BRANCHES:
        raise NotReadable("no first choice to branch on")
    for take in range(1, branch.size):
        branch = Branch(take)
        values.append((run(branch), branch.weight))
    return Symbol(values)


def _numbered(run: Callable[[Branch], Any], branch: Branch) -> Parts:
    """The same run, with random numbers read as pools."""

    def render(probe: Probe) -> Any:
        fresh = Branch(branch.take, probe)
        value = run(fresh)
        branch.size, branch.weight = fresh.size, fresh.weight
        return value

    return Parts(numbers_in(render))


class _Random:
    """Stands for ``generator.random``: whole numbers in a probing run, and nothing else."""

    def __init__(self, probe: Probe | None) -> None:
        self._probe = probe

    def randint(self, low: int, high: int) -> int:
        """The number that the probe wants here."""
        if self._probe is None:
            raise NotReadable("a random number")
        return self._probe.number(low, high)

    def randrange(self, start: int, stop: int, step: int = 1) -> int:
        """The same, without the upper end."""
        if step != 1:
            raise NotReadable("a random number in steps")
        return self.randint(start, stop - 1)

    def __getattr__(self, name: str) -> Any:
        raise NotReadable(f"generator.random.{name}")


class _Generator:
    """Stands for ``self.generator``: parses formats, and reads other methods."""

    def __init__(self, real: Any, within: tuple[str, ...], failed: set[str], branch: Branch) -> None:
        self._real, self._within, self._failed = real, within, failed
        self.random = _Random(branch.probe)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self.format, name)

    def format(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """What the method `name` of this locale stands for."""
        if name in self._within or name in self._failed:
            raise NotReadable(f"{name} contains itself, or was tried before")
        method = self._real.get_formatter(name)

        def run(branch: Branch) -> Any:
            inner = _Generator(self._real, (*self._within, name), self._failed, branch)
            return method.__func__(Reading(method.__self__, inner, branch), *args, **kwargs)

        ways: tuple[Callable[[], Any], ...] = (
            lambda: run(Branch(None)),
            lambda: _branched(run),
            lambda: _numbered(run, Branch(None)),
            lambda: _branched(partial(_numbered, run)),
        )
        for way in ways:
            with suppress(Exception):  # whatever the method does with what it is given: try the next way
                return way()
        self._failed.add(name)
        raise NotReadable(f"{name} does more than choose and format")

    def parse(self, text: Any) -> Any:
        """The formats in `text` with the methods they name read in their turn."""
        return strings(text, self._parsed)

    def _parsed(self, text: str) -> Any:
        pieces = TOKEN.split(text)
        if any("{{" in piece for piece in pieces[::2]):
            raise NotReadable("a token with arguments")
        if len(pieces) == 1:
            return text
        read = [piece if at % 2 == 0 else self._tagged(piece) for at, piece in enumerate(pieces)]
        return Parts(tuple(read))

    def _tagged(self, name: str) -> Symbol:
        return Symbol([(Parts(item.pools), item.weight) for item in grammar_of(self.format(name), tag=name)])


class Reading:
    """Stands for a provider while one of its methods is read."""

    def __init__(self, provider: Any, generator: _Generator, branch: Branch) -> None:
        self._provider, self._branch, self.generator = provider, branch, generator

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._provider, name)
        if not callable(value) or isinstance(value, type):
            return value
        if not hasattr(value, "__func__"):
            raise NotReadable(f"{name} is no ordinary method")
        return partial(value.__func__, self)

    def random_element(self, elements: Any = ("a", "b", "c")) -> Any:
        """One of the elements."""
        return self._branch.choice(elements)

    def random_elements(
        self,
        elements: Any,
        length: int | None = None,
        unique: bool = False,
        use_weighting: bool | None = None,
    ) -> list[Any]:
        """A list of one; more cannot be read."""
        if length != 1 or unique:
            raise NotReadable("several elements at once")
        return [self._branch.choice(elements)]

    def numerify(self, text: Any = "###") -> Any:
        """Digits for the placeholders."""
        return strings(text, lambda value: drawn(pattern(value), value))

    def lexify(self, text: Any = "????", letters: str = LETTERS) -> Any:
        """Letters for the question marks."""
        return strings(text, lambda value: drawn(pattern(value, letters, digits=False), value))

    def bothify(self, text: Any = "## ??", letters: str = LETTERS) -> Any:
        """Digits and letters."""
        return strings(text, lambda value: drawn(pattern(value, letters), value))

    def random_sample(self, *_: Any, **__: Any) -> Any:
        """Several at once cannot be read; the method is sampled."""
        raise NotReadable("several elements at once")

    random_choices = hexify = random_sample


def read(generator: Any, method: str) -> Grammar:
    """The grammar of a Faker method, or NotReadable.

    It is read twice: a method that takes something from elsewhere (the random module, a counter) says
    something else then. One that chooses nothing in our sight is not believed either.
    """
    first, second = (_read_once(generator, method) for _ in range(2))
    if list(map(_words, first)) != list(map(_words, second)):
        raise NotReadable("another reading, another grammar")
    if all(len(pool.values) == 1 for item in first for pool in item.pools):
        raise NotReadable("no choice was seen")
    return first


def _words(item: Format) -> list[tuple[str, ...]]:
    return [pool.values for pool in item.pools]


def _read_once(generator: Any, method: str) -> Grammar:
    return grammar_of(_Generator(generator, (), set(), Branch(None)).format(method), tag=method)
