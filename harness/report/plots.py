"""Plots as SVG text: lines, bands, dots, limits and marks on two axes. Pure; colours and dashes stand in report.css.

A plot is told in words too (`title`, `desc`), and no line is known by its colour alone: each has its dash and its
name beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from markupsafe import Markup, escape

from harness.report.text import inert, shorten

Point = tuple[float, float]

WIDTH, HEIGHT = 580, 250
LEFT, RIGHT, TOP, BOTTOM = 56, 116, 22, 44
LABEL_HEIGHT = 14
LETTER = 6.2
"""About the width of a letter in a label."""
MOST_TEXT = 600


@dataclass(frozen=True)
class Line:
    """Points joined; `style` is 0 to 3, or "fit" for a fitted line."""

    name: str
    points: Sequence[Point]
    style: int | str = 0


@dataclass(frozen=True)
class Band:
    """What lies between two lines: (x, low, high)."""

    points: Sequence[tuple[float, float, float]]


@dataclass(frozen=True)
class Dots:
    """Points as signs: "ring" for what passed, "cross" for what did not, "dot" for a measured value."""

    points: Sequence[Point]
    sign: str = "dot"


@dataclass(frozen=True)
class Limit:
    """A level that must not be reached."""

    y: float
    name: str


@dataclass(frozen=True)
class Mark:
    """Something that happened at `x`: a restart, a kill, an edge."""

    x: float
    name: str


@dataclass(frozen=True)
class Span:
    """From `low` to `high` on the x axis: where something is forecast to happen."""

    low: float
    high: float


Layer = Line | Band | Dots | Limit | Mark | Span


@dataclass(frozen=True)
class Plot:
    """Axes and what is on them, `told` below it. `rows` names levels 0, 1, 2 ... of a plot whose y is no number."""

    title: str
    desc: str
    x: str
    y: str
    layers: Sequence[Layer]
    rows: Sequence[str] = ()
    told: str = ""


@dataclass(frozen=True)
class _Frame:
    """From values to pixels."""

    right: float
    low: float
    high: float
    top: int
    bottom: int

    def x(self, value: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * value / self.right, 1)

    def y(self, value: float) -> float:
        return round(self.bottom - (self.bottom - self.top) * (value - self.low) / (self.high - self.low), 1)


def draw(plot: Plot) -> Markup:
    """The plot as one SVG element."""
    marks = _marks(plot)
    top = TOP + LABEL_HEIGHT * (1 + max(row for _, row in marks) if marks else 0)
    height = top + BOTTOM + (34 * len(plot.rows) if plot.rows else HEIGHT - TOP - BOTTOM)
    frame = _frame(plot, top, height - BOTTOM)
    parts = [
        f'<svg class="plot" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{_text(plot.title)}">',
        f"<title>{_text(plot.title)}</title><desc>{_text(plot.desc)}</desc>",
        _axes(plot, frame, height),
        *(_layer(layer, frame) for layer in plot.layers if not isinstance(layer, Mark)),
        *(_mark(mark, row, frame) for mark, row in marks),
        _names(plot, frame),
        "</svg>",
    ]
    return Markup("".join(parts))  # every text in it went through _text


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, some `about` of them."""
    span = max(high - low, 1e-12)
    raw = span / about
    unit = 10 ** floor(log10(raw))
    step = next(unit * k for k in (1, 2, 2.5, 5, 10) if unit * k >= raw)
    first = ceil(low / step - 1e-9)
    return [round(k * step, 10) for k in range(first, floor(high / step + 1e-9) + 1)]


def _frame(plot: Plot, top: int, bottom: int) -> _Frame:
    xs = [point[0] for layer in plot.layers for point in _points(layer)]
    ys = [value for layer in plot.layers for point in _points(layer) for value in point[1:]]
    ys += [layer.y for layer in plot.layers if isinstance(layer, Limit)]
    if plot.rows:
        return _Frame(max(xs, default=1) or 1, -0.5, len(plot.rows) - 0.5, top, bottom)
    return _Frame(max(xs, default=1) or 1, 0, max([*ys, 0]) * 1.06 or 1, top, bottom)


def _points(layer: object) -> Iterable[tuple[float, ...]]:
    if isinstance(layer, Line | Band | Dots):
        return layer.points
    return [(layer.x,)] if isinstance(layer, Mark) else [(layer.low,)] if isinstance(layer, Span) else []


def _axes(plot: Plot, frame: _Frame, height: int) -> str:
    right = WIDTH - RIGHT
    parts = []
    levels = list(enumerate(plot.rows)) if plot.rows else [(y, _number(y)) for y in ticks(0, frame.high, 4)]
    for y, name in levels:
        at = frame.y(y)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{at}" y2="{at}"/>')
        parts.append(_label(LEFT - 6, at + 4, name[:60], "end") if not plot.rows else "")
        parts.append(_label(LEFT + 2, at - 8, name[:90], "start") if plot.rows else "")
    for x in ticks(0, frame.right):
        at = frame.x(x)
        parts.append(f'<line class="grid" x1="{at}" x2="{at}" y1="{frame.bottom}" y2="{frame.bottom + 4}"/>')
        parts.append(_label(at, frame.bottom + 17, _number(x), "middle"))
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{right}" y1="{frame.bottom}" y2="{frame.bottom}"/>')
    parts.append(_label((LEFT + right) / 2, height - 8, plot.x, "middle", "name"))
    parts.append(_label(4, 12, plot.y, "start", "name"))
    return "".join(parts)


def _layer(layer: Line | Band | Dots | Limit | Span, frame: _Frame) -> str:
    if isinstance(layer, Span):
        left, right = frame.x(layer.low), frame.x(min(layer.high, frame.right))
        tall = frame.bottom - frame.top
        return f'<rect class="span" x="{left}" y="{frame.top}" width="{max(right - left, 1):.1f}" height="{tall}"/>'
    if isinstance(layer, Line):
        path = " ".join(f"{frame.x(x)},{frame.y(y)}" for x, y in layer.points)
        return f'<polyline class="line s{layer.style}" points="{path}"/>'
    if isinstance(layer, Band):
        over = [f"{frame.x(x)},{frame.y(high)}" for x, _, high in layer.points]
        under = [f"{frame.x(x)},{frame.y(low)}" for x, low, _ in reversed(layer.points)]
        return f'<polygon class="band" points="{" ".join(over + under)}"/>'
    if isinstance(layer, Dots):
        return "".join(_sign(frame.x(x), frame.y(y), layer.sign) for x, y in layer.points)
    at = frame.y(layer.y)
    return f'<line class="limit" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>'


def _marks(plot: Plot) -> list[tuple[Mark, int]]:
    """The marks from left to right, each with the row above the plot in which its name meets no other."""
    frame, placed = _frame(plot, 0, 0), []
    ends: list[float] = []  # how far each row is taken
    for mark in sorted((layer for layer in plot.layers if isinstance(layer, Mark)), key=lambda mark: mark.x):
        left, right = _reach(mark, frame)
        row = next((row for row, end in enumerate(ends) if end < left), len(ends))
        ends[row : row + 1] = [right + LETTER]
        placed.append((mark, row))
    return placed


def _reach(mark: Mark, frame: _Frame) -> tuple[float, float]:
    """From where to where its name goes: about its line, within the picture."""
    width = LETTER * len(mark.name)
    left = max(4.0, min(frame.x(mark.x) - width / 2, WIDTH - 4 - width))
    return left, left + width


def _mark(mark: Mark, row: int, frame: _Frame) -> str:
    at, (left, right) = frame.x(mark.x), _reach(mark, frame)
    height = frame.top - 4 - LABEL_HEIGHT * row
    line = f'<line class="mark" x1="{at}" x2="{at}" y1="{frame.top}" y2="{frame.bottom}"/>'
    return line + _label(round((left + right) / 2, 1), height, mark.name, "middle", "mark")


def _sign(x: float, y: float, sign: str) -> str:
    if sign == "cross":
        return f'<path class="cross" d="M{x - 4} {y - 4}l8 8m0-8l-8 8"/>'
    return f'<circle class="{"ring" if sign == "ring" else "dot"}" cx="{x}" cy="{y}" r="4"/>'


def _names(plot: Plot, frame: _Frame) -> str:
    """The names of lines and limits at their right ends, moved apart where they would lie on each other."""
    ends = [(frame.y(layer.points[-1][1]), layer.name, f"s{layer.style}") for layer in plot.layers
            if isinstance(layer, Line) and layer.points and layer.name]  # fmt: skip
    ends += [(frame.y(layer.y), layer.name, "limit") for layer in plot.layers if isinstance(layer, Limit)]
    parts, last = [], float(TOP - LABEL_HEIGHT)
    for wanted, name, style in sorted(ends):
        last = max(wanted, last + LABEL_HEIGHT)
        parts.append(
            f'<line class="key line {style}" x1="{WIDTH - RIGHT + 6}" x2="{WIDTH - RIGHT + 26}"'
            f' y1="{last}" y2="{last}"/>' + _label(WIDTH - RIGHT + 30, last + 4, name, "start")
        )
    return "".join(parts)


def _label(x: float, y: float, text: str, anchor: str, style: str = "") -> str:
    return f'<text class="{style}" x="{x}" y="{y}" text-anchor="{anchor}">{_text(text)}</text>'


def _text(text: str) -> str:
    return str(escape(shorten(inert(text), MOST_TEXT)))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"
