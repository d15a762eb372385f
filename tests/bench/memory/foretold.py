"""The section of the table about forecasts: what was foretold, held against real kills."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from harness.checks.memory.forecast import Forecast
from tests.bench.memory import kills
from tests.bench.memory.tables import load, table


def forecasts() -> Iterator[str]:
    """Real kills against what runs that were not killed foretold."""
    rows, runs = [], load(kills.STORE)
    fixed = [run for run in runs if not run["kill"]["sigma"]]
    uneven = [run for run in runs if run["kill"]["sigma"]]
    kinds = ("habits alike", runs), ("fixed size", fixed), ("log-normal size", uneven)
    for series, share in product(kills.SERIES, (0.25, 0.5)):
        for name, chosen in kinds:
            told = [(run, kills.foretold(run, share, series)[1]) for run in chosen]
            known = [(run, ahead) for run, ahead in told if ahead and ahead.item]
            if known:
                rows.append(
                    [series, f"{share:.0%}", name, len(chosen), len(told) - len(known), *_figures(known)]
                )
    yield "## Forecast against real kills by the kernel\n"
    yield (
        "From another run of the same service, cut off at that share of the way: free has no limit, limited has the"
        " one that kills. Both have the same items of the same sizes. In the first row of each, the six habits and"
        " the log-normal sizes weigh the same, however many kills there are of each.\n"
    )
    head = "run|seen|leak|kills|refused|median error|p90|interval covers|interval's width"
    yield from table(head, rows)
    apart = [
        abs(limited.item / free.item - 1)
        for run in runs
        for free, limited in [[kills.foretold(run, 0.5, series)[1] for series in kills.SERIES]]
        if free and limited and free.item and limited.item
    ]
    if apart:
        most = f"90 % of {len(apart)} within {np.quantile(apart, 0.9):.1%}"
        at = [run["killed_at"] for run in uneven]
        yield f"At half the way, free and limited runs foretell {np.median(apart):.2%} apart (median; {most})."
        yield f"The log-normal kills lie apart by themselves: {np.std(at) / np.mean(at):.1%} (standard deviation).\n"


def _figures(known: list[tuple[dict[str, Any], Forecast]]) -> list[str]:
    """Median error, p90, share covered, and the interval's median width; each cell of kills weighs the same."""
    cells = [(run["kill"]["mode"], run["kill"]["sigma"]) for run, _ in known]
    weights = np.array([1 / cells.count(cell) for cell in cells])
    errors = np.array([abs((ahead.item or 0) / run["killed_at"] - 1) for run, ahead in known])
    covered = np.array([ahead.low <= run["killed_at"] <= ahead.high for run, ahead in known])
    wide = np.array([(ahead.high - ahead.low) / run["killed_at"] for run, ahead in known])
    order = np.argsort(errors)
    below = np.cumsum(weights[order]) / weights.sum()
    median, p90 = (errors[order][np.searchsorted(below, q)] for q in (0.5, 0.9))
    return [
        f"{median:.1%}",
        f"{p90:.1%}",
        f"{np.average(covered, weights=weights):.0%}",
        f"{np.median(wide):.0%}",
    ]
