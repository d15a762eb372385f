"""Reads a Faker method's formats and pools by running it once with symbols in place of chosen values.

The method gets a stand-in for ``self``. What it would choose at random comes back as a `Symbol` that stands
for every value at once; ``numerify``, ``parse``, ``+``, ``upper`` and the like act on all of them. A method
that does more with a value (looks into it, compares it, formats it) meets an object that is no string,
raises, and is sampled instead. So overridden and custom providers are read where that is possible and right
in either case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

from harness.population.grammar import Format, Grammar, NotReadable, Pool, literal, pattern, readable

TOKEN = re.compile(r"\{\{\s*(\w+)\s*\}\}")
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_BRANCHES = 2_000


@dataclass(frozen=True, eq=False)
class Parts:
    """Values that follow one another: strings, pools and symbols."""

    items: tuple[Any, ...]


class Symbol:
    """Every value a choice can take, with its weight. Refuses whatever is not listed here."""

    def __init__(self, values: list[tuple[Any, float]]) -> None:
        self.values = values

    def each(self, change: Callable[[Any], Any]) -> Symbol:
        """The symbol with `change` made to each value."""
        return Symbol([(change(value), weight) for value, weight in self.values])

    def __getitem__(self, key: Any) -> Symbol:
        return self.each(lambda value: _plain(value, (tuple, list, Mapping))[key])

    def __add__(self, other: Any) -> Symbol:
        return Symbol([(Parts((self, other)), 1.0)])

    def __radd__(self, other: Any) -> Symbol:
        return Symbol([(Parts((other, self)), 1.0)])

    def upper(self) -> Symbol:
        """The strings in upper case."""
        return self.each(lambda value: _strings(value, str.upper))

    def lower(self) -> Symbol:
        """The strings in lower case."""
        return self.each(lambda value: _strings(value, str.lower))

    def _refuse(self, *_: Any) -> Any:
        raise NotReadable("the method looks into the value")

    __bool__ = __eq__ = __hash__ = __str__ = __format__ = __iter__ = __len__ = __contains__ = _refuse


def _plain(value: Any, kinds: type | tuple[type, ...]) -> Any:
    if not isinstance(value, kinds):
        raise NotReadable(f"{type(value).__name__} where a plain value was expected")
    return value


def _strings(value: Any, change: Callable[[str], Any]) -> Any:
    """`value` with `change` made to each string in it."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Symbol):
        return value.each(lambda inner: _strings(inner, change))
    if isinstance(value, Parts):
        return Parts(tuple(_strings(item, change) for item in value.items))
    if isinstance(value, Pool):
        changed = tuple(change(text) for text in value.values)
        if all(isinstance(text, str) for text in changed):
            return Pool(changed, value.weights, value.tag)
        return Symbol(list(zip(changed, value.weights or [1.0] * len(changed), strict=True)))
    raise NotReadable(f"a {type(value).__name__} is no text")


def _drawn(pools: tuple[Pool, ...], text: str) -> Parts | str:
    return Parts(pools) if any(len(pool.values) > 1 for pool in pools) else text


def choice(elements: Any) -> Symbol:
    """What ``random_element`` stands for."""
    if isinstance(elements, Symbol):
        return elements.each(choice)
    if isinstance(elements, Mapping):
        return Symbol([(value, float(weight)) for value, weight in elements.items()])
    return Symbol([(value, 1.0) for value in elements])


class Branch:
    """Which value the first choice of a run takes: the one at `take`, or (None) all of them, as a symbol."""

    def __init__(self, take: int | None) -> None:
        self.take, self.size, self.weight = take, 0, 1.0

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


class _Random:
    """Stands for ``generator.random``: nothing of it can be read."""

    def __getattr__(self, name: str) -> Any:
        raise NotReadable(f"generator.random.{name}")


class _Generator:
    """Stands for ``self.generator``: parses formats, and reads other methods."""

    def __init__(self, real: Any, within: tuple[str, ...]) -> None:
        self._real, self._within, self.random = real, within, _Random()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self.format, name)

    def format(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """What the method `name` of this locale stands for."""
        if name in self._within:
            raise NotReadable("a format that contains itself")
        method = self._real.get_formatter(name)

        def run(branch: Branch) -> Any:
            stand_in = Reading(method.__self__, self._real, (*self._within, name), branch)
            return method.__func__(stand_in, *args, **kwargs)

        try:
            return run(Branch(None))
        except Exception:  # noqa: BLE001 - whatever the method does with a symbol: try its first choice one by one
            return _branched(run)

    def parse(self, text: Any) -> Any:
        """The formats in `text` with the methods they name read in their turn."""
        return _strings(text, self._parsed)

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

    def __init__(self, provider: Any, generator: Any, within: tuple[str, ...], branch: Branch) -> None:
        self._provider, self._branch = provider, branch
        self.generator = _Generator(generator, within)

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
        return _strings(text, lambda value: _drawn(pattern(value), value))

    def lexify(self, text: Any = "????", letters: str = LETTERS) -> Any:
        """Letters for the question marks."""
        return _strings(text, lambda value: _drawn(pattern(value, letters, digits=False), value))

    def bothify(self, text: Any = "## ??", letters: str = LETTERS) -> Any:
        """Digits and letters."""
        return _strings(text, lambda value: _drawn(pattern(value, letters), value))

    def random_digit(self) -> Symbol:
        """A digit cannot be read, as its type is lost; the method is sampled."""
        raise NotReadable("a bare digit")

    def random_int(self, *_: Any, **__: Any) -> Symbol:
        """Nor can a number."""
        raise NotReadable("a bare number")

    random_number = random_letter = random_letters = random_sample = random_choices = hexify = random_int
    random_digit_not_null = random_digit_or_empty = random_digit_not_null_or_empty = random_digit


def _formats(value: Any, tag: str) -> Iterator[Format]:
    if isinstance(value, str):
        yield Format((literal(value),), 1.0)
    elif isinstance(value, Pool):
        yield Format((value,), 1.0)
    elif isinstance(value, Parts):
        for combined in product(*(readable(_formats(item, tag)) for item in value.items)):
            weight = 1.0
            for item in combined:
                weight *= item.weight
            yield Format(
                tuple(pool for item in combined for pool in item.pools if pool.values != ("",)), weight
            )
    elif isinstance(value, Symbol):
        yield from _choices(value, tag)
    else:
        raise NotReadable(f"a {type(value).__name__} is no text")


def _choices(symbol: Symbol, tag: str) -> Iterator[Format]:
    total = sum(weight for _, weight in symbol.values)
    texts = [(value, weight) for value, weight in symbol.values if isinstance(value, str)]
    if texts:
        values, weights = zip(*texts, strict=True)
        even = len(set(weights)) == 1
        yield Format((Pool(values, None if even else weights, tag),), sum(weights) / total)
    for value, weight in symbol.values:
        if not isinstance(value, str):
            for item in _formats(value, tag):
                yield Format(item.pools, item.weight * weight / total)


def grammar_of(value: Any, tag: str = "") -> Grammar:
    """The formats of what a method returned under reading."""
    return readable(_formats(value, tag))


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
    try:
        return grammar_of(_Generator(generator, ()).format(method), tag=method)
    except NotReadable:
        raise
    except Exception as problem:
        raise NotReadable(repr(problem)) from problem
