"""What ``winback define`` says of its numbers, in sentences; terminal and rules file share them."""

import shlex
from typing import Final

from streams.core.rules import MONEY
from streams.core.time import DAY_MS
from streams.replay.define import (
    CANDIDATES,
    LEARNED_SPANS,
    SILENCES_LEAST,
    Definition,
    Proposal,
    Verdict,
)
from streams.replay.define_calendar import UNKNOWN
from streams.replay.define_silences import Horizon
from streams.replay.instants import short_iso

NAME_MAX: Final = 40
ADVICE: Final = "or decide yourself: --horizon-days H"
EXAMPLES_MIN: Final = 500
"""As in the default rules: the model is listened to after so many outcomes."""
BACKTEST_ACTIVE_DAYS: Final = 5
"""What a back-test takes by itself."""
MOST_LEAVE: Final = 0.5
MOST_RETURN: Final = 0.75
OUTAGES_SHOWN: Final = 5


def plain(text: str, longest: int = NAME_MAX) -> str:
    """Return a text of the user as it can be printed: nothing unprintable, not too long."""
    printable = text if text.isprintable() else ascii(text)[1:-1]
    return printable if len(printable) <= longest else f"{printable[: longest - 1]}…"


def number(value: float) -> str:
    """Return a count or span with as many digits as mean something: 1,234 or 19 or 0.22."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"  # noqa: PLR2004 (two digits)


def percent(share: float | None) -> str:
    """Return a share in per cent; a dash where the log cannot tell."""
    if share is None:
        return "–"
    return f"{share:.1%}" if 0 < share < 0.095 or 0.995 <= share < 0.9995 else f"{share:.0%}"  # noqa: PLR2004 (two digits)


def days(count: float) -> str:
    """Return ``1 day`` or ``7.5 days``."""
    return "1 day" if count == 1 else f"{count:,.4g} days"


def headline(found: Definition) -> str:
    """Return what the log is."""
    users = "1 user" if found.users == 1 else f"{found.users:,} users"
    events = "1 event" if found.events == 1 else f"{found.events:,} events"
    fine = "" if found.resolution == UNKNOWN else f", times to the {found.resolution}"
    return f"{events} of {users}, {found.first_event_at[:10]} to {found.last_event_at[:10]}{fine}"


def verdict(found: Definition) -> str:
    """Return the proposal in a sentence, or why there is none."""
    wanted = found.proposal
    if wanted is None:
        return f"cannot say, because {found.cannot_say}; {ADVICE}"
    kinds = " and ".join(plain(name) for name in wanted.kinds)
    return (
        f"proposal: a user who is silent for {days(wanted.horizon_days)} has left; judged from "
        f"{wanted.min_active_days} active days on; told apart: {kinds}"
    )


def reasons(found: Definition) -> list[str]:
    """Return why the proposal is as it is."""
    wanted, row = found.proposal, found.row
    if wanted is None or row is None:
        return []
    said = [_why_horizon(found, wanted, row)]
    if row.right_after[1] is not None:
        said.append(
            f"A user silent for {days(wanted.horizon_days / 2)} stays silent until "
            f"{days(wanted.horizon_days)} in {percent(row.right_after[1])} of the cases: so often "
            f'the rule "silent for {days(wanted.horizon_days / 2)}" would be right.'
        )
    covered = next(c for c in found.covers if c.min_active_days == wanted.min_active_days)
    said.append(
        f"{covered.users:,} users ({percent(covered.share_of_users)}) ever reach "
        f"{wanted.min_active_days} active days, with "
        f"{percent(covered.share_of_events)} of all events. Lately "
        f"{number(row.users_watched)} are watched at a time, and about "
        f"{number(row.alerts_per_day)} a day are silent for long enough to be alerted."
    )
    said.append(
        f"The model learns from every user each {days(wanted.period_days)} (Δ = H/4) and watches a "
        f"silence up to {days(wanted.limit_days)} (2 H)."
    )
    return said


def costs(found: Definition) -> list[str]:
    """Return what the next shorter and the next longer horizon would change."""
    row = found.row
    if row is None:
        return []
    place = found.horizons.index(row)
    near = found.horizons[max(place - 1, 0) : place + 2]
    return [
        f"{'Shorter' if other.days < row.days else 'Longer'}, {days(other.days)}: every outcome is "
        f"known {days(abs(other.days - row.days))} "
        f"{'sooner' if other.days < row.days else 'later'}; {percent(other.back_soon)} of such "
        f"silences end soon after (here {percent(row.back_soon)}), "
        f"{number(other.alerts_per_day)} alerts a day (here {number(row.alerts_per_day)}), "
        f"{percent(other.leave)} of the watched leave (here {percent(row.leave)})."
        for other in near
        if other is not row
    ]


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


def next_steps(found: Definition, path: str, out: str | None) -> list[str]:
    """Return the commands to run next.

    Args:
        found: The definition.
        path: Of the log.
        out: Of the rules file that was written; None proposes one.
    """
    wanted, file = found.proposal, shlex.quote(path)
    if wanted is None:
        return []
    rules = shlex.quote(out or "rules.yaml")
    test = f"winback backtest {file} --rules {rules} --horizon-days {wanted.horizon_days:.10g}"
    if wanted.min_active_days != BACKTEST_ACTIVE_DAYS:
        test += f" --min-active-days {wanted.min_active_days}"
    return [test] if out else [f"winback define {file} --out {rules}", test]


def span(begin_ms: int, end_ms: int) -> str:
    """Return days as ``2017-12-25`` or ``2006-07-21 to 2006-07-22``."""
    first, last = short_iso(begin_ms)[:10], short_iso(end_ms - DAY_MS)[:10]
    return first if first == last else f"{first} to {last}"


def _why_horizon(found: Definition, wanted: Proposal, row: Horizon) -> str:
    length = days(wanted.horizon_days)
    if row.back_soon is None:
        return f"The log cannot tell how silences of {length} end."
    ends = (
        f"Of {row.silences:,} silences that reached {length}, {percent(row.back_soon)} ended "
        f"within {days(wanted.horizon_days)} more, {percent(row.back_later)} later, "
        f"{percent(row.not_back)} not before the log did."
    )
    typical = "returns of a typical user come within"
    usual = f"eight of ten {typical} {number(found.usual_pause_days or 0)} days"
    rare = f"nine of ten {typical} {number(found.rare_pause_days or 0)} days"
    match wanted.verdict:
        case Verdict.FINAL:
            return (
                f"{ends} It is the shortest that is unusual ({usual}) and mostly final: at least "
                f"two of three stay away for as long again."
            )
        case Verdict.RARE:
            return (
                f"{ends} There is no natural horizon: silences of any length often end by "
                f'themselves, so "left" means "away", not "gone". {length} are the shortest that '
                f"is rare: {rare}."
            )
        case Verdict.LONGEST:
            return f"{ends} There is no natural horizon: {rare}. {_limit_of(found)}"
        case Verdict.GIVEN:
            return f"{ends} You chose it; {usual}."


def _limit_of(found: Definition) -> str:
    if found.row is not None and found.row.days == CANDIDATES[-1]:
        return "This is the longest on offer: for more than half a year nobody waits to learn."
    return (
        f"This is the longest that {days(round(found.span_days))} of log can teach: it has to hold "
        f"{LEARNED_SPANS} H, and {SILENCES_LEAST} silences that can be followed up."
    )


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
        f"{span(outage.begin_ms, outage.end_ms)} ({outage.users_expected:,} users a day expected)"
        for outage in found.outages[:OUTAGES_SHOWN]
    ]
    if (more := len(found.outages) - OUTAGES_SHOWN) > 0:
        spans.append(f"{more} more spans that --json lists")
    said = f"Nobody did anything on {', '.join(spans)}: closed, or the logger was down?"
    return [f"{said} It is not taken for silence here."]
