"""Pictures of the console: inline SVG by the hand that draws those of the reports."""

from collections.abc import Mapping, Sequence

from streams.console.columns import QUADRANTS, Cell
from streams.pages.svg import RIGHT, WIDTH, Scale, Svg, ticks
from streams.reporting.advice import Advice


def _markup(picture: Svg) -> str:
    from markupsafe import Markup  # noqa: PLC0415 (an extra)

    return Markup(str(picture))  # noqa: S704 (ours, and escaped)


def dot(cell: Cell, cells: Mapping[str, Cell], title: str) -> str:
    """Return a quadrant's dot: its area is its share of the largest expected loss."""
    most = max((one.loss for one in cells.values()), default=0) or 1
    picture = Svg(110.0, title)
    radius = 46.0 * (max(cell.loss, 0) / most) ** 0.5
    if cell.users:
        picture.dot(WIDTH / 2, 55.0, max(radius, 2.5), "dot")
    return _markup(picture)


def spark(points: Sequence[tuple[float, float]], alert: float, title: str) -> str:
    """Return a probability as it moved: steps from one word to the next, and the alert line."""
    picture = Svg(132.0, title)
    across = Scale(points[0][0], points[-1][0], 34.0, RIGHT)
    up = Scale(0.0, 1.0, 118.0, 8.0)
    for level in (0.0, 0.5, 1.0):
        picture.line((34.0, up(level)), (RIGHT, up(level)), "grid")
        picture.text(28.0, up(level) + 4, f"{level:.0%}", "axis", "end")
    picture.line((34.0, up(alert)), (RIGHT, up(alert)), "chance")
    steps = []
    for place, (at, level) in enumerate(points):
        if place:
            steps.append((across(at), up(points[place - 1][1])))
        steps.append((across(at), up(level)))
    picture.path(steps, "ours")
    picture.dot(*steps[-1], 3.5, "ours")
    return _markup(picture)


def weights(rows: Sequence[tuple[str, float]], title: str) -> str:
    """Return contributions as bars to both sides of nothing."""
    most = max((abs(weight) for _, weight in rows), default=1.0) or 1.0
    height = 30.0 * len(rows) + 4.0
    picture = Svg(height, title)
    across = Scale(-most, most, 40.0, RIGHT - 40.0)
    for place, (name, weight) in enumerate(rows):
        y = 30.0 * place
        begin, end = sorted((across(0.0), across(weight)))
        picture.text(0.0, y + 11, name, "label")
        picture.bar(begin, y + 15.0, (max(end - begin, 1.0), 9.0),
                    "toward" if weight > 0 else "away", f"{name}: {weight:+.2f}")  # fmt: skip
        picture.text(RIGHT, y + 11, f"{weight:+.2f}".replace("-", "−"), "axis", "end")
        picture.line((across(0.0), y + 14.0), (across(0.0), y + 25.0), "zero")
    return _markup(picture)


def funnel(rows: Sequence[tuple[str, int]], title: str) -> str:
    """Return stages as bars that shrink, each with its share of the first."""
    most = max((count for _, count in rows), default=0) or 1
    picture = Svg(38.0 * len(rows), title)
    for place, (name, count) in enumerate(rows):
        y = 38.0 * place
        picture.text(0.0, y + 12, name, "label")
        picture.text(RIGHT, y + 12, f"{count:,} · {count / most:.0%}", "axis", "end")
        picture.bar(0.0, y + 18.0, (RIGHT * count / most, 12.0), "solid ours-fill")
    return _markup(picture)


def forest(rows: Sequence[Advice], names: Sequence[str], title: str) -> str:
    """Return effects on returns per 1,000 with their intervals."""
    gains = [row.earned.returns for row in rows]
    known = [gain for gain in gains if gain is not None]
    low = min([gain.low for gain in known] + [0.0])
    high = max([gain.high for gain in known] + [0.0])
    room = (high - low) * 0.06 or 1.0
    across = Scale(low - room, high + room, 8.0, RIGHT)
    height = 34.0 * len(rows) + 22.0
    picture = Svg(height, title)
    for level in ticks(low - room, high + room, 5):
        picture.line((across(level), 0.0), (across(level), height - 16.0), "grid")
        picture.text(across(level), height - 3.0, f"{level:+.0f}".replace("-", "−"), "axis",
                     "middle")  # fmt: skip
    picture.line((across(0.0), 0.0), (across(0.0), height - 16.0), "zero")
    for place, (name, gain) in enumerate(zip(names, gains, strict=True)):
        y = 34.0 * place
        picture.text(8.0, y + 12, name, "label")
        if gain is None:
            continue
        kind = "gain" if gain.low > 0 else "loss" if gain.high < 0 else "open"
        picture.line((across(gain.low), y + 22), (across(gain.high), y + 22), f"reach {kind}")
        picture.dot(across(gain.value), y + 22, 4.5, kind, f"{gain.value:+.1f}")
    return _markup(picture)


def stacked(
    days: Sequence[str], series: Mapping[str, Sequence[float]], names: Mapping[str, str], title: str
) -> str:
    """Return bars by day, the parts of each stacked; as many shades as there are series."""
    most = max((sum(values) for values in zip(*series.values(), strict=True)), default=0.0) or 1.0
    picture = Svg(190.0, title)
    up = Scale(0.0, most, 160.0, 8.0)
    for level in ticks(0.0, most, 4):
        picture.line((34.0, up(level)), (RIGHT, up(level)), "grid")
        picture.text(28.0, up(level) + 4, f"{level:,.0f}", "axis", "end")
    width = (RIGHT - 36.0) / max(len(days), 1)
    for place, day in enumerate(days):
        base = 0.0
        x = 36.0 + place * width
        for shade, (code, values) in enumerate(series.items()):
            value = values[place]
            if value:
                top = up(base + value)
                picture.bar(x, top, (max(width - 2.0, 1.0), up(base) - top), f"s{shade % 8}",
                            f"{day}, {names[code]}: {value:,.0f}")  # fmt: skip
            base += value
    for place in sorted({0, len(days) // 2, len(days) - 1}):
        if days:
            anchor = "start" if place == 0 else "end" if place == len(days) - 1 else "middle"
            x = 36.0 + (place + (0 if place == 0 else 1 if place == len(days) - 1 else 0.5)) * width
            picture.text(x, 178.0, days[place], "axis", anchor)
    return _markup(picture)


def calibration(rows: Sequence[tuple[float, float, int]], title: str) -> str:
    """Return said against seen, and the line on which both are equal; rows: said, seen, count."""
    picture = Svg(300.0, title)
    most = max([max(said, seen) for said, seen, _ in rows] + [0.05])
    top = next(edge for edge in (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0) if most <= edge)
    across, up = Scale(0.0, top, 44.0, 420.0), Scale(0.0, top, 270.0, 8.0)
    for part in range(5):
        level = top * part / 4
        picture.line((44.0, up(level)), (420.0, up(level)), "grid")
        picture.text(38.0, up(level) + 4, _share(level), "axis", "end")
        picture.text(across(level), 286.0, _share(level), "axis", "middle")
    picture.line((across(0.0), up(0.0)), (across(top), up(top)), "chance")
    points = [(across(said), up(seen)) for said, seen, _ in rows]
    if points:
        picture.path(points, "ours")
    for (x, y), (said, seen, count) in zip(points, rows, strict=True):
        picture.dot(x, y, 4.0, "ours", f"{said:.1%} → {seen:.1%}, {count:,}")
    return _markup(picture)


def _share(level: float) -> str:
    return f"{level * 100:g}%"


def places(rows: Sequence[tuple[str, int, int]], title: str) -> str:
    """Return used places by day with a line for what there was; rows: day, used, share."""
    most = max([max(used, share) for _, used, share in rows] + [1])
    picture = Svg(120.0, title)
    up = Scale(0.0, float(most), 96.0, 8.0)
    width = (RIGHT - 36.0) / max(len(rows), 1)
    for level in ticks(0.0, float(most), 3):
        picture.line((34.0, up(level)), (RIGHT, up(level)), "grid")
        picture.text(28.0, up(level) + 4, f"{level:,.0f}", "axis", "end")
    for place, (day, used, share) in enumerate(rows):
        x = 36.0 + place * width
        picture.bar(x, up(used), (max(width - 2.0, 1.0), 96.0 - up(used)), "solid ours-fill",
                    f"{day}: {used:,} / {share:,}")  # fmt: skip
        if share > 0:
            picture.line((x, up(share)), (x + width - 2.0, up(share)), "zero")
    if rows:
        picture.text(36.0, 114.0, rows[0][0], "axis")
        picture.text(RIGHT, 114.0, rows[-1][0], "axis", "end")
    return _markup(picture)


__all__ = ["QUADRANTS", "calibration", "dot", "forest", "funnel", "places", "spark", "stacked",
           "weights"]  # fmt: skip
