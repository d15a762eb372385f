"""What it is about a number: its sign, its decimals, or its magnitude."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

import numpy as np

from harness.explain.conditions import Condition
from harness.explain.table import Table

Change = Callable[[Decimal], Decimal]
MOST_STEPS = 12
WIDE = Context(prec=120)
"""Python's own 28 digits are fewer than a value may have whose length is what fails."""


def of_number(
    table: Table, field: str, ask: Callable[[Any], bool | None], good: Any, bad: Any
) -> tuple[tuple[Condition, ...], Callable[[Any], Any]] | None:
    """The conditions on a number that make it fail, and a way to make another one so; None: it is none of these.

    Each of the three ways in which `bad` differs from `good` is taken back on its own. What then passes is needed.
    """
    low, high = Decimal(str(good)), Decimal(str(bad))
    ways: dict[str, Change] = {}
    if high < 0 <= low:
        ways["negative"] = Decimal.copy_abs
    if _decimals(high) > _decimals(low):
        ways["decimals"] = lambda number: _rounded(number, _decimals(low))
    if not _magnitude_seen(table, field, high.copy_abs()):
        ways["value"] = lambda number: _scaled(number, low.copy_abs())
    needed = list(ways)
    if len(ways) > 1:
        needed = [name for name, back in ways.items() if not ask(_like(bad, back(high)))]
    if not needed:
        return None
    made = _made(low, high, needed)
    if len(ways) == 1 and not ask(_like(bad, made(low))):
        return None
    conditions = tuple(_condition(table, field, ask, bad, (low, high), name) for name in needed)
    return conditions, lambda value: _like(value, made(_number(value, low)))


def _condition(
    table: Table,
    field: str,
    ask: Callable[[Any], bool | None],
    like: Any,
    between: tuple[Decimal, Decimal],
    name: str,
) -> Condition:
    low, high = between
    if name == "negative":
        return Condition(field, "negative", least=1)
    if name == "decimals":
        fails, passes = _decimals(high), _decimals(low)
        while fails - passes > 1:
            middle = (fails + passes) // 2
            if ask(_like(like, _with_decimals(high, middle))):
                fails = middle
            else:
                passes = middle
        return Condition(field, "decimals", least=fails)
    return _magnitude(table, field, ask, like, between)


def _magnitude(
    table: Table, field: str, ask: Callable[[Any], bool | None], like: Any, between: tuple[Decimal, Decimal]
) -> Condition:
    """From which value on. The passing users of the run narrow it first."""
    low, high = between
    values = table.measure(field, "value")
    known = values[table.passed & ~np.isnan(values)]
    if high < low:
        return Condition(field, "value", most=float(high))
    fitting = known[known < float(high)]
    passes, fails = max(low, Decimal(repr(float(fitting.max()))) if len(fitting) else low), high
    unit = Decimal(1).scaleb(-_decimals(high))
    for _ in range(MOST_STEPS):
        if WIDE.subtract(fails, passes) <= max(unit, WIDE.divide(fails, Decimal(1000))):
            break
        middle = _rounded(WIDE.divide(WIDE.add(fails, passes), Decimal(2)), _decimals(high))
        if ask(_like(like, middle)):
            fails = middle
        else:
            passes = middle
    return Condition(field, "value", least=float(fails))


def _made(low: Decimal, high: Decimal, needed: list[str]) -> Change:
    def made(number: Decimal) -> Decimal:
        found = (high if "value" in needed else number).copy_abs()
        if "decimals" in needed:
            found = _with_decimals(found, _decimals(high))
        elif "value" in needed:
            found = _rounded(found, max(_decimals(low), 0))
        minus = "negative" in needed or ("value" in needed and high < 0)
        return found.copy_negate() if minus else found

    return made


def _magnitude_seen(table: Table, field: str, size: Decimal) -> bool:
    values = np.abs(table.measure(field, "value"))
    known = values[table.passed & ~np.isnan(values)]
    return bool(len(known)) and float(known.min()) <= float(size) <= float(known.max())


def _decimals(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _rounded(number: Decimal, decimals: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-decimals), context=WIDE)


def _with_decimals(number: Decimal, decimals: int) -> Decimal:
    """The number with just so many decimals, the last of them not 0."""
    found = _rounded(number, decimals)
    last = Decimal(1).scaleb(-decimals)
    return found if WIDE.remainder(found, last * 10) else WIDE.add(found, last)


def _scaled(number: Decimal, size: Decimal) -> Decimal:
    """A number of that size with the sign and the decimals of `number`."""
    found = _with_decimals(size, _decimals(number)) if _decimals(number) else _rounded(size, 0)
    return found.copy_negate() if number < 0 else found


def _number(value: Any, instead: Decimal) -> Decimal:
    try:
        return Decimal(str(value))
    except ArithmeticError:
        return instead


def _like(model: Any, number: Decimal) -> Any:
    """The number in the type of `model`: text where that is text."""
    if isinstance(model, (int, float)) and not isinstance(model, bool):
        whole = number == number.to_integral_value()
        return type(model)(number) if isinstance(model, float) or whole else float(number)
    return number if isinstance(model, Decimal) else f"{number:f}"
