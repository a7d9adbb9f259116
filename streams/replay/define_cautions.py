"""What to mind before a proposal of ``winback define`` is taken, in sentences."""

from typing import Final

from streams.core.meanings import MONEY
from streams.core.time import DAY_MS
from streams.replay.define import LEARNED_SPANS, Definition
from streams.replay.define_words import days, number, percent, plain
from streams.replay.instants import short_iso

EXAMPLES_MIN: Final = 500
"""As in the default rules: the model is listened to after so many outcomes."""
MOST_LEAVE: Final = 0.5
MOST_RETURN: Final = 0.75
OUTAGES_SHOWN: Final = 5


def cautions(found: Definition) -> list[str]:
    """Return what to mind, the gravest first."""
    said = _of_proposal(found) + _of_outages(found)
    said += [f"{plain(name.name)}: {name.question}" for name in found.names if name.question]
    if found.in_future:
        said.append(f"{found.in_future:,} events lie in the future; the service would refuse them.")
    if len(found.currencies) > 1:
        names = ", ".join(sorted(found.currencies, key=lambda c: -found.currencies[c]))
        said.append(f"Amounts are in {plain(names)}; the service takes one currency.")
    if not any(name.meaning in MONEY for name in found.names):
        said.append("No event brings money, so all users belong to the lowest value tier.")
    if found.resolution == "day":
        said.append("The log knows days, not hours: alerts can only be judged to the day.")
    if found.night is not None:
        said.append(
            f"It is quiet from {found.night.begin_hour} to {found.night.end_hour} o'clock UTC, as "
            f"where the clock is UTC{found.night.utc_offset:+d}: is contact.zone right?"
        )
    return said


def _of_proposal(found: Definition) -> list[str]:
    row = found.row
    if row is None:
        return []
    said = []
    if row.days * LEARNED_SPANS > found.span_days:
        said.append(
            f"The log covers {days(round(found.span_days))}; to learn {days(row.days)} it should "
            f"cover {days(LEARNED_SPANS * row.days)}."
        )
    if row.leave is not None and row.leave > MOST_LEAVE:
        said.append(
            f"{percent(row.leave)} of the watched users do nothing in the next {days(row.days)}: "
            f"leaving is the rule here, so contact few and choose well."
        )
    if row.back_soon is not None and row.back_soon > MOST_RETURN:
        said.append(
            f"{percent(row.back_soon)} of those silent for {days(row.days)} soon come back by "
            f"themselves: let the holdout show whether contact wins anything."
        )
    if not row.users_watched:
        return [*said, "Nobody would be watched lately: too few active days, or too old a log."]
    wait = EXAMPLES_MIN * row.days / (4 * row.users_watched)
    if wait > row.days:
        said.append(
            f"Few users are watched ({number(row.users_watched)} lately): a model "
            f"that starts today has its first {EXAMPLES_MIN} outcomes in about "
            f"{number(wait)} days; start it on the history."
        )
    return said


def _of_outages(found: Definition) -> list[str]:
    if not found.outages:
        return []
    spans = [
        f"{_span(outage.begin_ms, outage.end_ms)} ({outage.users_expected:,} users a day expected)"
        for outage in found.outages[:OUTAGES_SHOWN]
    ]
    if (more := len(found.outages) - OUTAGES_SHOWN) > 0:
        spans.append(f"{more} more spans that --json lists")
    said = f"Nobody did anything on {', '.join(spans)}: closed, or the logger was down?"
    return [f"{said} It is not taken for silence here."]


def _span(begin_ms: int, end_ms: int) -> str:
    """Return days as ``2017-12-25`` or ``2006-07-21 to 2006-07-22``."""
    first, last = short_iso(begin_ms)[:10], short_iso(end_ms - DAY_MS)[:10]
    return first if first == last else f"{first} to {last}"
