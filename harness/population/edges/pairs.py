"""Few rows that hold every pair: labels of different fields, each pair together in at least one row.

The two largest families make the first rows, all against all. Each further family joins these rows, every
row taking the label that adds most new pairs; pairs that found no place get rows of their own. (This is the
in-parameter-order construction of covering arrays; it stays close to the product of the two largest
families.)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from harness.population.edges.label import Label

Row = tuple[Label, ...]
Places = list[int | None]
Pair = tuple[int, int, int]
"""A label of the newest family, an earlier family, and a label of that."""


def covering(labels: Sequence[Label]) -> tuple[Row, ...]:
    """Rows of labels, one for each field at most, that hold all pairs of labels of different fields."""
    fields = dict.fromkeys(label.field for label in labels)
    families = [[label for label in labels if label.field == field] for field in fields]
    families.sort(key=len, reverse=True)
    if len(families) < 2:
        return ()
    rows: list[Places] = [list(pair) for pair in product(range(len(families[0])), range(len(families[1])))]
    for number in range(2, len(families)):
        _join(rows, number, [len(family) for family in families[: number + 1]])
    return tuple(
        tuple(family[place] for family, place in zip(families, row, strict=True) if place is not None)
        for row in rows
    )


def _join(rows: list[Places], number: int, sizes: list[int]) -> None:
    """Gives each row a place of family `number`, and adds rows for the pairs that are left."""
    missing: set[Pair] = {
        (own, other, place)
        for own in range(sizes[number])
        for other in range(number)
        for place in range(sizes[other])
    }
    for at, row in enumerate(rows):
        turns = [
            (at + turn) % sizes[number] for turn in range(sizes[number])
        ]  # of equals, not always the first
        new = [sum(pair in missing for pair in _pairs(own, row)) for own in turns]
        best = turns[new.index(max(new))]
        missing.difference_update(_pairs(best, row))
        row.append(best)
    for own, other, place in sorted(missing):
        _place(rows, number, own, other, place)


def _pairs(own: int, row: Places) -> list[Pair]:
    return [(own, other, place) for other, place in enumerate(row) if place is not None]


def _place(rows: list[Places], number: int, own: int, other: int, place: int) -> None:
    """Puts one pair into a row with room for it, or into a new one."""
    for row in rows:
        if row[number] == own and row[other] in (None, place):
            row[other] = place
            return
    fresh: Places = [None] * (number + 1)
    fresh[number], fresh[other] = own, place
    rows.append(fresh)
