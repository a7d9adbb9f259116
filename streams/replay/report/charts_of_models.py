"""More pictures of a report: of models, opponents, and of how the world changed."""

from streams.pages.svg import RIGHT, WIDTH, Scale, Svg, ticks
from streams.replay.report.figures import Figures
from streams.replay.report.numbers import date, percent


def drift_chart(found: Figures) -> str:
    """Return the shift of inputs by group and window, and of the outcome."""
    shifts = [shift for shift in found.drift.shifts if shift.psi]
    groups = [group for group in shifts[0].psi if any(shift.psi[group] > 0 for shift in shifts)]
    picture = Svg(len(groups) * 18 + 104, "shift of inputs over time, and share that stayed active")
    x = Scale(0.0, len(shifts), 84.0, RIGHT)
    for row, group in enumerate(groups):
        y = row * 18.0
        picture.text(78, y + 13, group.replace("_", " "), "axis", "end")
        for column, shift in enumerate(shifts):
            value = shift.psi[group]
            kind = "alarm" if value > found.drift.limit else "heat"
            picture.bar(x(column) + 0.5, y + 1, (x(column + 1) - x(column) - 1, 16), kind,
                        f"{group}, {date(shift.until_ms)}: PSI {value:.2f}",
                        min(value / found.drift.limit, 1.0) * 0.9 + 0.06)  # fmt: skip
    _active_line(picture, [shift.active for shift in shifts], x, len(groups) * 18.0 + 20)
    bottom = len(groups) * 18.0 + 96
    picture.text(84, bottom, date(shifts[0].until_ms), "axis")
    picture.text(RIGHT, bottom, date(shifts[-1].until_ms), "axis", "end")
    return str(picture)


def _active_line(picture: Svg, active: list[float], x: Scale, top: float) -> None:
    y = Scale(0.0, 1.0, top + 60, top)
    for tick in (0.0, 0.5, 1.0):
        picture.line((x(0), y(tick)), (RIGHT, y(tick)), "grid")
        picture.text(78, y(tick) + 4, percent(tick), "axis", "end")
    picture.path([(x(place + 0.5), y(value)) for place, value in enumerate(active)], "ours line")
    picture.text(x(0) + 3, y(0.0) - 5, "active within a quarter of the horizon", "axis")


def models_chart(found: Figures) -> str:
    """Return how all models ranked the same questions."""
    rows = found.models.models
    picture = Svg(len(rows) * 36 + 34, "ranking by model")
    x = Scale(min(0.5, *(model.auc for model in rows)), 1.0, 8.0, WIDTH - 60.0)
    bottom = len(rows) * 36.0 + 2
    for tick in ticks(x.low, 1.0):
        picture.line((x(tick), bottom - 6), (x(tick), bottom), "grid")
        picture.text(x(tick), bottom + 13, f"{tick * 100:.0f}", "axis", "middle")
    picture.text(x(0.5) - 4, bottom + 27, "50: a coin, 100: always right", "axis")
    for row, model in enumerate(rows):
        y = 13.0 + row * 36
        kind = "ours" if row == 0 else "rule"
        name = model.name if row else "what was in force"
        picture.text(4, y, f"{name}: {model.what}", "label" if row == 0 else "axis")
        picture.line((x(x.low), y + 11), (x(x.high), y + 11), "track")
        picture.dot(x(model.auc), y + 11, 5, kind)
        picture.text(WIDTH - 52, y + 15, f"{model.auc * 100:.1f}", "win" if row == 0 else "axis")
    return str(picture)


def comparison_chart(found: Figures) -> str:
    """Return by how much ours ranks better than each opponent, with intervals."""
    assert found.comparison is not None
    rows = [(each.name, each.ahead["auc"]) for each in found.comparison.opponents if each.ahead]
    widest = max(max(abs(ahead.low), abs(ahead.high)) for _, ahead in rows) * 1.1
    picture = Svg(len(rows) * 40 + 34, "AUC of winback less that of each opponent")
    x = Scale(-widest * 0.35, widest, 6.0, WIDTH - 70.0)
    bottom = len(rows) * 40.0
    picture.line((x(0), 0), (x(0), bottom), "chance")
    picture.text(x(0) + 4, bottom + 13, "winback ranks better →", "axis")
    picture.text(x(0) - 4, bottom + 13, "← worse", "axis", "end")
    for row, (name, ahead) in enumerate(rows):
        y = 13.0 + row * 40
        picture.text(4, y, name, "label")
        picture.line((x(ahead.low), y + 13), (x(ahead.high), y + 13), "ours thin")
        picture.dot(x(ahead.value), y + 13, 5, "ours",
                    f"{ahead.value:+.4f} ({ahead.low:+.4f} – {ahead.high:+.4f})")  # fmt: skip
        kind = "win" if ahead.low > 0 else "loss" if ahead.high < 0 else "muted"
        picture.text(WIDTH - 60, y + 17, f"{ahead.value:+.3f}", kind)
    return str(picture)


def phases_chart(found: Figures, begin_ms: float, end_ms: float) -> str:
    """Return what was in force when."""
    entries = found.drift.entries
    picture = Svg(86, "what was in force when")
    x = Scale(begin_ms, end_ms, 4.0, RIGHT)
    ends = [entry.at_ms for entry in entries[1:]] + [end_ms]
    for entry, until_ms in zip(entries, ends, strict=True):
        begin, end = x(entry.at_ms), x(until_ms)
        kind = {"prior": "bar", "fallen_back": "alarm"}.get(entry.phase, "ours soft solid")
        share = None if entry.phase != "blended" else 0.25 + 0.75 * (1 - entry.prior_weight)
        tip = f"from {date(entry.at_ms)}: {entry.phase}, {entry.champion}"
        picture.bar(begin, 20, (end - begin, 18), kind, tip, share)
        if entry.alarms:
            picture.bar(begin, 44, (end - begin, 6), "alarm", ", ".join(entry.alarms), 0.9)
        if entry.is_calibrated:
            picture.bar(begin, 54, (end - begin, 6), "heat", "calibration in force", 0.9)
    learned = next((entry for entry in entries if entry.phase == "learned"), None)
    if learned is not None:
        where = min(x(learned.at_ms), WIDTH - 150)
        picture.text(where, 13, f"learned from {date(learned.at_ms)} on", "axis")
    picture.text(4, 80, date(begin_ms), "axis")
    picture.text(RIGHT, 80, date(end_ms), "axis", "end")
    for promotion in found.report.promotions:
        at = x(promotion.at_ms)
        picture.line((at, 16), (at, 42), "rule thick")
        picture.text(at, 13, promotion.name, "axis", "middle")
    return str(picture)
