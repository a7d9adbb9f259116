"""What each page shows: what the read model is asked, and what its template wants."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from streams.console.columns import DIMENSIONS
from streams.console.feed import Progress
from streams.console.views import calls, health, leaving, now, person, quality, recall
from streams.console.views.asked import PERIODS, Book
from streams.console.web.desk import Desk
from streams.console.web.render import say
from streams.core.controls import ON, STOP
from streams.core.playbook import INSTANT
from streams.core.time import iso
from streams.pages.wording import Language
from streams.reporting.vocabulary import value_said
from streams.reporting.words import ACTIONS
from streams.runtime.ticks import now_ms

NOTHING: Final = "-"
"""In an address, the value of a dimension that is not known."""
BEGIN_MAX: Final = 10_000_000
SERIES_MAX: Final = 7
WEIGHTS_MIN: Final = 0.005


class Asked(NamedTuple):
    """What a browser wants to see.

    Attributes:
        path: Without the query.
        query: Name to values.
        language: Of the reader.
        is_known: Whether somebody is signed in.
    """

    path: str
    query: Mapping[str, list[str]]
    language: Language
    is_known: bool

    def one(self, name: str, default: str = "") -> str:
        """Return the first value of a name."""
        return next(iter(self.query.get(name, ())), default)

    def number(self, name: str, default: int = 0, most: int = BEGIN_MAX) -> int:
        """Return a number that was asked for, within bounds; the default where there is none."""
        text = self.one(name)
        return min(int(text), most) if text.isascii() and text.isdigit() else default


class Shown(NamedTuple):
    """A template and what it wants; None as a template = there is no such page."""

    template: str
    facts: dict[str, Any]
    page: str = ""


class Drawn(NamedTuple):
    """Series of a stacked chart."""

    days: Sequence[str]
    series: Mapping[str, Sequence[float]]
    names: Mapping[str, str]


class Pages:
    """Answers what a browser asks; every method is called in a thread of its own.

    Args:
        desk: Claims and what was done.
        progress: How far the read model has come.
    """

    def __init__(self, desk: Desk, progress: Progress) -> None:
        self._desk, self._progress = desk, progress
        self._effects: tuple[tuple[int, int], recall.Effects] | None = None
        self._all: dict[str, Callable[[Book, Asked], Shown | None]] = {
            "/now": self._now, "/recall": self._recall, "/why": self._why, "/model": self._model,
            "/calls": self._calls, "/health": self._health,
        }  # fmt: skip

    def show(self, book: Book, asked: Asked) -> Shown | None:
        """Return the page of an address; None = there is none."""
        if asked.path.startswith("/people/"):
            return self._person(book, asked)
        found = self._all.get(asked.path)
        return None if found is None else found(book, asked)

    def _now(self, book: Book, asked: Asked) -> Shown:
        chosen = chosen_of(asked)
        begin = asked.number("begin")
        view = now.now(book, chosen, begin)

        def link(path: str = "/now", **changes: object) -> str:
            wanted = {name: values[:] for name, values in asked.query.items()}
            for name, value in changes.items():
                wanted[name] = [str(value)] if value not in ("", None) else []
            query = urlencode(wanted, doseq=True)
            return f"{path}?{query}" if query else path

        return Shown("now.html", {
            "view": view, "chosen": chosen, "chosen_any": any(chosen.values()), "link": link,
            "link_csv": link("/now.csv", begin=""), "horizon_days": round(book.rules.horizon_days),
            "total": len(book.at_risk),
        }, "now")  # fmt: skip

    def _person(self, book: Book, asked: Asked) -> Shown | None:
        view = person.person(book, asked.path.removeprefix("/people/"))
        if view is None:
            return None
        said = view.explanation
        weights = []
        if said is not None:
            shown = [why for why in said.reasons if abs(why.weight) >= WEIGHTS_MIN]
            weights = [(getattr(why.text, asked.language), why.weight) for why in shown]
        path = [(one.at_ms, one.probability) for one in reversed(view.happened)
                if one.probability is not None]  # fmt: skip
        return Shown("person.html", {
            "view": view, "weights": weights, "path": path if len(path) > 1 else [],
            "alert": book.rules.alert.probability, "horizon_days": round(book.rules.horizon_days),
        }, "people")  # fmt: skip

    def _recall(self, book: Book, asked: Asked) -> Shown:
        days = _days(asked)
        view = recall.recall(book, days, self._known_effects(book))
        language = asked.language
        names = {
            split.by: [value_said(split.by, row.value, language) for row in split.rows]
            for split in view.splits
        }
        budget: defaultdict[str, list[tuple[str, int, int]]] = defaultdict(list)
        for day in view.days:
            if day.share > 0:
                budget[day.kind].append((day.day, day.used, day.share))
        channels = sorted({name for hour in view.hours for name in hour.touches})
        hours = Drawn(
            [f"{hour.hour:02d}" for hour in view.hours],
            {name: [hour.touches.get(name, 0.0) for hour in view.hours] for name in channels},
            {name: value_said("channel", name, language) for name in channels},
        )
        return Shown("recall.html", {
            "view": view, "days": days, "names": names, "budget": dict(budget), "hours": hours,
            "actions": {action: text.say(language) for action, text in ACTIONS.items()},
            "decided": {split.by for split in view.splits
                        if any(row.earned.returns is not None for row in split.rows)},
            "journeys_open": sum(one.users for one in view.journeys),
            "funnel": [(say(language, f"f_{one.name}"), one.cases) for one in view.funnel],
        }, "recall")  # fmt: skip

    def _known_effects(self, book: Book) -> recall.Effects:
        """Return what contacts earned, computed anew only when another answer is known."""
        stand, kept = recall.answered_so_far(book), self._effects
        if kept is None or kept[0] != stand:
            self._effects = kept = (stand, recall.effects(book))
        return kept[1]

    def _why(self, book: Book, asked: Asked) -> Shown:
        days, by = _days(asked), asked.one("by", "source")
        by = by if by in leaving.DIMENSIONS else "source"
        view = leaving.leaving(book, days, by)
        codes = list(view.reasons)[:SERIES_MAX]
        raised = [code for code in sorted(INSTANT)
                  if any(code in one.cases for one in view.complaints)]  # fmt: skip
        return Shown("why.html", {
            "view": view, "days": days, "foremost": list(view.reasons.items())[:2],
            "reasons": _drawn(view.over_time, codes, "reason", asked.language),
            "complaints": _drawn(view.complaints, raised, "trigger", asked.language),
            "kinds": {"source": "acquisition_source", "cohort": "cohort", "tier": "value_tier",
                      "trigger": "trigger"},
        }, "why")  # fmt: skip

    def _model(self, book: Book, asked: Asked) -> Shown:
        del asked
        view = quality.quality(book)
        chosen = min(
            range(len(view.thresholds)), default=0,
            key=lambda place: abs(view.thresholds[place].at - view.in_force),
        )  # fmt: skip
        points = []
        if view.report is not None:
            points = [(one.said, one.seen, one.rows) for one in view.report.reliability]
        return Shown("model.html", {"view": view, "chosen": chosen, "points": points}, "model")

    def _calls(self, book: Book, asked: Asked) -> Shown:
        del asked
        return Shown(
            "calls.html",
            {"view": calls.calls(book), "claims": self._desk.claims(now_ms())},
            "calls",
        )

    def _health(self, book: Book, asked: Asked) -> Shown:
        with_closed = asked.one("closed") == "1"
        view = health.health(book, self._progress.ends, asked.number("begin"),
                             with_closed=with_closed)  # fmt: skip
        lags = [one.lag for one in view.partitions]
        theirs = sorted({one.rules_hash for one in view.partitions} - {book.rules.hash})
        return Shown("health.html", {
            "view": view, "with_closed": with_closed,
            "lag": None if not lags or None in lags else sum(lag or 0 for lag in lags),
            "total_users": sum(one.users for one in view.partitions),
            "layouts": sorted({one.layout for one in view.partitions}),
            "rules_hash": book.rules.hash, "other_rules": ", ".join(theirs),
            "is_stopped": any((one.key, one.value) == (STOP, ON) for one in view.orders),
            "audit": self._desk.audit(20) if asked.is_known else [],
        }, "health")  # fmt: skip


def chosen_of(asked: Asked) -> dict[str, list[str]]:
    """Return what an address chooses, of the dimensions that there are."""
    return {
        name: [("" if value == NOTHING else value)[:200] for value in asked.query.get(name, ())
               if value][:20]
        for name in DIMENSIONS
    }  # fmt: skip


def now_csv(book: Book, asked: Asked) -> Iterator[str]:
    """Yield the lines of all whom a filter finds; ids only for those who are signed in."""
    head = ["name", "expected_loss_minor", "currency", "probability", "risk", "value_tier",
            "quadrant", "reasons", "stage", "acquisition_source", "playbook", "step", "steps",
            "next_channel", "next_at", "last_active_at"]  # fmt: skip
    yield _line([*(["user_id"] if asked.is_known else []), *head])
    for part in now.everybody(book, chosen_of(asked)):
        ids = _ids(book, part) if asked.is_known else {}
        yield "".join(
            _line([
                *([ids.get(row.name, "")] if asked.is_known else []), row.name, row.loss,
                book.rules.currency, f"{row.probability:.4f}", row.band, row.tier, row.quadrant,
                " ".join(row.reasons), row.stage, row.source, row.playbook, row.step, row.steps,
                row.channel, _instant(row.due_ms), _instant(row.last_ms),
            ])
            for row in part
        )  # fmt: skip


def why_csv(book: Book, asked: Asked) -> Iterator[str]:
    """Yield the lines for product teams; nobody is named."""
    yield _line(["day", "reason", "trigger", "acquisition_source", "cohort", "value_tier",
                 "journeys", "expected_loss_minor"])  # fmt: skip
    for row in leaving.exported(book, _days(asked)):
        yield _line(row)


def _ids(book: Book, part: list[now.AtRiskUser]) -> dict[str, str]:
    found: dict[str, str] = {}
    for begin in range(0, len(part), 500):
        found |= now.ids_of(book, [row.name for row in part[begin : begin + 500]])
    return found


def _line(cells: Sequence[object]) -> str:
    """Return a line of CSV; a cell that a spreadsheet would take for a formula is made text.

    Source:
        RFC 4180; OWASP, "CSV Injection".
    """
    return ",".join(_cell(str(cell)) for cell in cells) + "\r\n"


def _cell(text: str) -> str:
    if text[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        text = f"'{text}"
    if any(sign in text for sign in ',"\r\n'):
        doubled = text.replace('"', '""')
        return f'"{doubled}"'
    return text


def _instant(at_ms: int) -> str:
    return iso(at_ms) if at_ms else ""


def _days(asked: Asked) -> int:
    days = asked.number("days", 28)
    return days if days in PERIODS else 28


def _drawn(over_time: Sequence[leaving.OverTime], codes: Sequence[str], kind: str,
           language: Language) -> Drawn:  # fmt: skip
    return Drawn(
        [one.day for one in over_time],
        {code: [float(one.cases.get(code, 0)) for one in over_time] for code in codes},
        {code: value_said(kind, code, language) for code in codes},
    )
