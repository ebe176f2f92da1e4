"""Draws how the cost of a pass grows, as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import product

WIDTH, HEIGHT = 380, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 130, 34, 44
ROOM_FOR_A_TICK = 30
COLOURS = ("#5b3fd6", "#0f8a5f", "#c2570c")


@dataclass(frozen=True)
class Curve:
    """One line of a plot."""

    name: str
    values: Sequence[float]


@dataclass(frozen=True)
class Plot:
    """Some curves over the same sizes."""

    title: str
    along: str
    """What the sizes are of."""
    sizes: Sequence[float]
    unit: str
    curves: Sequence[Curve]


def svg(plots: Sequence[Plot], columns: int = 2) -> str:
    """Given plots, return one picture of all of them."""
    rows = -(-len(plots) // columns)
    width, height = WIDTH * columns, HEIGHT * rows
    inner = "".join(
        f'<g transform="translate({WIDTH * column},{HEIGHT * row})">{_plot(plot)}</g>\n'
        for plot, (row, column) in zip(plots, product(range(rows), range(columns)), strict=False)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="11" role="img">\n'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n{inner}</svg>\n'
    )


def _plot(plot: Plot) -> str:
    top = max(max(curve.values) for curve in plot.curves) or 1.0
    last = max(plot.sizes)

    def x(size: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * size / last

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top

    parts = [f'<text x="{LEFT}" y="18" font-size="13" font-weight="bold">{escape(plot.title)}</text>']
    parts += [_level(value, x(last), y(value), plot.unit) for value in (0.0, top / 2, top)]
    parts += _ticks([(size, x(size)) for size in plot.sizes])
    parts.append(_text((x(0) + x(last)) / 2, HEIGHT - 8, plot.along, "middle"))
    labels = _apart([y(curve.values[-1]) for curve in plot.curves])
    for colour, curve, label in zip(COLOURS, plot.curves, labels, strict=False):
        points = " ".join(
            f"{x(size):.1f},{y(value):.1f}" for size, value in zip(plot.sizes, curve.values, strict=True)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x(size):.1f}" cy="{y(value):.1f}" r="3" fill="{colour}"/>'
            for size, value in zip(plot.sizes, curve.values, strict=True)
        ]
        parts.append(_text(x(last) + 8, label + 4, curve.name, "start", colour))
    return "".join(parts)


def _apart(heights: Sequence[float]) -> list[float]:
    """Labels that would lie on one another are moved up."""
    placed: dict[int, float] = {}
    lowest = float("inf")
    for place in sorted(range(len(heights)), key=lambda one: -heights[one]):
        lowest = min(heights[place], lowest - 14)
        placed[place] = lowest
    return [placed[place] for place in range(len(heights))]


def _level(value: float, right: float, height: float, unit: str) -> str:
    line = f'<path d="M{LEFT} {height:.1f}H{right:.1f}" stroke="#dddddd"/>'
    return line + _text(LEFT - 6, height + 4, f"{value:.3g} {unit}", "end")


def _ticks(places: Sequence[tuple[float, float]]) -> list[str]:
    """Of two that would lie on one another the larger one stays."""
    following = [across for _, across in places[1:]]
    apart = [
        (size, across)
        for (size, across), after in zip(places, [*following, float("inf")], strict=True)
        if after - across > ROOM_FOR_A_TICK
    ]
    return [_text(across, HEIGHT - BOTTOM + 16, _number(size), "middle") for size, across in apart]


def _number(size: float) -> str:
    return f"{size:,.0f}" if size == round(size) else f"{size:.1f}"


def _text(x: float, y: float, words: str, anchor: str, colour: str = "#444444") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'
