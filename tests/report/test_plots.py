"""Plots: what is written on them can be read."""

from __future__ import annotations

import re

import pytest

from harness.report.plots import Line, Mark, Plot, draw


@pytest.mark.parametrize("places", [[0], [0, 1, 2], [0, 50, 99.9], [30, 31, 90, 100]])
def test_no_name_of_a_mark_lies_on_another_or_on_that_of_the_axis_or_goes_over_the_edge(
    places: list[float],
) -> None:
    marks = [Mark(x, f"payouts is killed at {x}") for x in places]
    svg = draw(
        Plot("rate", "users a second", "s", "users a second", [Line("done", [(0, 1), (100, 5)]), *marks])
    )
    labels = re.findall(
        r'<text class="(?:mark|name)" x="([\d.]+)" y="([\d.]+)" text-anchor="(\w+)">([^<]+)', svg
    )
    assert len(labels) == len(places) + 2
    boxes = []
    for x, y, anchor, text in labels:
        width = 6 * len(text)
        left = float(x) - (width / 2 if anchor == "middle" else 0)
        assert left >= 0 and left + width <= 580 and float(y) > 8
        boxes.append((left, left + width, float(y)))
    for one, (left, right, y) in enumerate(boxes):
        for other_left, other_right, other_y in boxes[one + 1 :]:
            assert right < other_left or other_right < left or abs(y - other_y) >= 12
