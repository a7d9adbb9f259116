"""What contacts earned: treated less held out, per 1,000 users, always with an interval.

Shares and means are of episodes; `models.effect` says how the interval is made.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.effect import ALPHA, EffectMeter, Interval
from streams.reporting.calendar import Span, iso_day
from streams.reporting.facts import Answered

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

PER: Final = 1_000
"""Users that an effect is said of."""
TRACE_MAX: Final = 40
VARIANT: Final = "variant"


class Gain(msgspec.Struct, frozen=True):
    """What 1,000 contacted users bring beyond 1,000 left alone; the interval holds at any look."""

    value: float
    low: float
    high: float


class Earned(msgspec.Struct, frozen=True):
    """The effect on a group.

    Attributes:
        treated: Episodes of users who were contacted.
        held_out: Episodes of users who would have been.
        returned_treated: Share of the contacted that came back; None of none.
        returned_held_out: The same of the held out.
        returns: Users that came back because of the contact, per 1,000; None = too few to say.
        money: Net value because of the contact, minor units per 1,000; None = too few to say.
        sure_returns: As ``returns``, wide enough for all groups that are looked at together.
        sure_money: As ``money``, likewise.
        weeks: From the first exposure to the last answer.
    """

    treated: int = 0
    held_out: int = 0
    returned_treated: float | None = None
    returned_held_out: float | None = None
    returns: Gain | None = None
    money: Gain | None = None
    sure_returns: Gain | None = None
    sure_money: Gain | None = None
    weeks: float = 0.0


class Columns(NamedTuple):
    """Episodes as columns of shape (n,), in the order in which they matured.

    Attributes:
        exposed: Day of the exposure.
        matured: Day of the answer.
        treated: Whether the user was contacted.
        returned: Whether the user came back.
        value: Net value gained, minor units.
        propensity: Probability of being treated, whatever was done.
        of_variant: Probability of the variant alone.
        risk: Probability of leaving, as said at the exposure.
        is_ours: Whether the money is of the currency that the report counts in.
        users: Whose.
        cells: Dimension to values.
    """

    exposed: NDArray[np.int64]
    matured: NDArray[np.int64]
    treated: Flags
    returned: Flags
    value: F64
    propensity: F64
    of_variant: F64
    risk: F64
    is_ours: Flags
    users: tuple[str, ...]
    cells: dict[str, NDArray[np.object_]]

    @classmethod
    def of(cls, episodes: Sequence[Answered], currency: str, dimensions: Sequence[str]) -> Self:
        """Return episodes as columns."""
        rows = sorted(episodes, key=lambda row: (row.matured, row.exposed, row.user_id))
        treated = np.array([not row.is_held_out for row in rows], np.bool_)
        said = np.array([row.propensity for row in rows], np.float64)
        of_variant = np.array([row.of_variant for row in rows], np.float64)
        arm = said / np.where(treated, of_variant, 1.0)
        found = [dict(row.cells) for row in rows]
        return cls(
            exposed=np.array([row.exposed for row in rows], np.int64),
            matured=np.array([row.matured for row in rows], np.int64),
            treated=treated,
            returned=np.array([row.returned for row in rows], np.bool_),
            value=np.array([row.value for row in rows], np.float64),
            propensity=np.where(treated, arm, 1.0 - arm),
            of_variant=of_variant,
            risk=np.array([row.risk for row in rows], np.float64),
            is_ours=np.array([row.currency == currency for row in rows], np.bool_),
            users=tuple(row.user_id for row in rows),
            cells={
                name: np.array([cells.get(name, "") for cells in found], np.object_)
                for name in dimensions
            },
        )

    def within(self, span: Span) -> Flags:
        """Return which were exposed from the first day on and known by the last, shape (n,)."""
        return (self.exposed >= span.first) & (self.matured <= span.last)


def earned(columns: Columns, pick: Flags, groups: int = 1) -> Earned:
    """Return the effect on those that are picked, shape (n,), one of so many groups."""
    return _earned(columns, pick, columns.propensity, groups)


def earned_by_variant(columns: Columns, pick: Flags, name: str, groups: int = 1) -> Earned:
    """Return what a variant earned beside all who were held out of its playbook.

    Whoever got it counts with the inverse of the probability of that, as bandits move the odds.
    """
    variants = columns.cells[VARIANT]
    book = name.rpartition(" / ")[0]
    own = np.where(columns.treated, variants == name, columns.cells["playbook"] == book)
    odds = np.where(columns.treated, columns.propensity * columns.of_variant, columns.propensity)
    return _earned(columns, pick & own, odds, groups)


def trace(columns: Columns, pick: Flags) -> Iterator[tuple[str, Interval]]:
    """Yield how the effect on the return rate became known: day by day, at most `TRACE_MAX`."""
    order = np.flatnonzero(pick)
    if not len(order):
        return
    days = np.unique(columns.matured[order])
    ends = days[np.unique(np.linspace(0, len(days) - 1, TRACE_MAX).astype(np.intp))]
    meter, begin = EffectMeter(), 0
    for day in ends.tolist():
        end = int(np.searchsorted(columns.matured[order], day, side="right"))
        _add(meter, columns, order[begin:end], columns.propensity)
        begin = end
        yield iso_day(day), meter.interval("return_rate")


def _earned(columns: Columns, pick: Flags, propensity: F64, groups: int) -> Earned:
    rows = np.flatnonzero(pick)
    if not len(rows):
        return Earned()
    meter = _metered(columns, rows, propensity)
    ours = rows[columns.is_ours[rows]]
    of_money = meter if len(ours) == len(rows) else _metered(columns, ours, propensity)
    has_money = bool(columns.value.any())
    treated, returned = columns.treated[rows], columns.returned[rows]
    days = columns.matured[rows].max() - columns.exposed[rows].min() + 1
    return Earned(
        treated=int(np.count_nonzero(treated)),
        held_out=int(np.count_nonzero(~treated)),
        returned_treated=float(returned[treated].mean()) if treated.any() else None,
        returned_held_out=float(returned[~treated].mean()) if not treated.all() else None,
        returns=_gain(meter.interval("return_rate")),
        money=_gain(of_money.interval("net_value")) if has_money else None,
        sure_returns=_gain(meter.interval("return_rate", ALPHA / groups)),
        sure_money=_gain(of_money.interval("net_value", ALPHA / groups)) if has_money else None,
        weeks=float(days) / 7,
    )


def _metered(columns: Columns, rows: NDArray[np.intp], propensity: F64) -> EffectMeter:
    meter = EffectMeter()
    _add(meter, columns, rows, propensity)
    return meter


def _add(meter: EffectMeter, columns: Columns, rows: NDArray[np.intp], propensity: F64) -> None:
    meter.add(
        columns.treated[rows],
        columns.returned[rows],
        columns.value[rows],
        propensity[rows],
        covariate=columns.risk[rows],
        users=[columns.users[row] for row in rows.tolist()],
    )


def _gain(found: Interval) -> Gain | None:
    if found.estimate is None or found.low is None or found.high is None:
        return None
    return Gain(PER * found.estimate, PER * found.low, PER * found.high)
