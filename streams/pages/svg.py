"""Pictures as inline SVG: lines, bars, dots and words, coloured by the style sheet of the page."""

import math
from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

WIDTH: Final = 440.0
"""Units of a picture: words of 12 units can be read on a phone, and are not too large on paper."""

RIGHT: Final = WIDTH - 6.0
"""Where a picture ends."""
NARROW: Final = 6.3
WIDE: Final = 12.0
CJK: Final = "\u2e80"
"""Width of a letter at 12 units, and from which letter on they are square."""
ROUND: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Steps of an axis, times a power of ten."""


class Scale(NamedTuple):
    """Maps values onto a picture."""

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value; what lies outside is drawn at the edge."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return self.begin + min(max(share, 0.0), 1.0) * (self.end - self.begin)


class Svg:
    """A picture under work.

    Args:
        height: In units; the width is always `WIDTH`.
        title: What it shows, for those who cannot see it.
    """

    def __init__(self, height: float, title: str) -> None:
        size = f'viewBox="0 0 {WIDTH:g} {height:g}"'
        name = escape(title)
        self._parts = [f'<svg {size} role="img" aria-label="{name}"><title>{name}</title>']

    def line(self, begin: tuple[float, float], end: tuple[float, float], kind: str) -> None:
        """Draw a line."""
        (x1, y1), (x2, y2) = begin, end
        self._parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'
        )

    def path(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        """Draw a line through points."""
        said = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(f'<polyline points="{said}" class="{kind}"/>')

    def bar(self, x: float, y: float, size: tuple[float, float], kind: str, tip: str = "",
            opacity: float | None = None) -> None:  # fmt: skip
        """Draw a rectangle from its upper left corner."""
        width, height = size
        shade = "" if opacity is None else f' fill-opacity="{opacity:.2f}"'
        self._parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.0):.1f}" height="{height:.1f}" '
            f'class="{kind}"{shade}>{_tip(tip)}</rect>'
        )

    def dot(self, x: float, y: float, radius: float, kind: str, tip: str = "") -> None:
        """Draw a dot."""
        self._parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" class="{kind}">{_tip(tip)}</circle>'
        )

    def text(self, x: float, y: float, said: str, kind: str = "", anchor: str = "start") -> None:
        """Write words on a line."""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">'
            f"{escape(said)}</text>"
        )

    def __str__(self) -> str:
        """Return the picture."""
        return "".join([*self._parts, "</svg>"])


def _tip(said: str) -> str:
    return f"<title>{escape(said)}</title>" if said else ""


def fitted(said: str, room: float = RIGHT) -> str:
    """Return words cut to a room; what is cut off belongs into a tip."""
    used = 0.0
    for place, letter in enumerate(said):
        used += WIDE if letter >= CJK else NARROW
        if used > room:
            return f"{said[: max(place - 1, 1)].rstrip()}…"
    return said


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round values from one to another, about as many as may be."""
    span = high - low
    if span <= 0.0:
        return [low]
    size = 10.0 ** math.floor(math.log10(span / most))
    step = next(size * part for part in ROUND if span / (size * part) <= most)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]
