"""Symbols: every value that a choice can take, handled as one, and turned into a grammar at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from harness.population.grammar import Format, Grammar, NotReadable, Pool, literal, readable


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
        return self.each(lambda value: strings(value, str.upper))

    def lower(self) -> Symbol:
        """The strings in lower case."""
        return self.each(lambda value: strings(value, str.lower))

    def _refuse(self, *_: Any) -> Any:
        raise NotReadable("the method looks into the value")

    __bool__ = __eq__ = __hash__ = __str__ = __format__ = __iter__ = __len__ = __contains__ = _refuse


def _plain(value: Any, kinds: type | tuple[type, ...]) -> Any:
    if not isinstance(value, kinds):
        raise NotReadable(f"{type(value).__name__} where a plain value was expected")
    return value


def strings(value: Any, change: Callable[[str], Any]) -> Any:
    """`value` with `change` made to each string in it."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Symbol):
        return value.each(lambda inner: strings(inner, change))
    if isinstance(value, Parts):
        return Parts(tuple(strings(item, change) for item in value.items))
    if isinstance(value, Pool):
        changed = tuple(change(text) for text in value.values)
        if all(isinstance(text, str) for text in changed):
            return Pool(changed, value.weights, value.tag)
        return Symbol(list(zip(changed, value.weights or [1.0] * len(changed), strict=True)))
    raise NotReadable(f"a {type(value).__name__} is no text")


def drawn(pools: tuple[Pool, ...], text: str) -> Parts | str:
    """A text that became pools; the text itself, where nothing in it is random."""
    return Parts(pools) if any(len(pool.values) > 1 for pool in pools) else text


def choice(elements: Any) -> Symbol:
    """What ``random_element`` stands for."""
    if isinstance(elements, Symbol):
        return elements.each(choice)
    if isinstance(elements, Mapping):
        return Symbol([(value, float(weight)) for value, weight in elements.items()])
    return Symbol([(value, 1.0) for value in elements])


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
