"""What ``winback define`` says of its numbers, in sentences; terminal and rules file share them."""

import shlex
from typing import Final

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
from winback_sender.terminal import printable

NAME_MAX: Final = 40
ADVICE: Final = "or decide yourself: --horizon-days H"
BACKTEST_ACTIVE_DAYS: Final = 5
"""What a back-test takes by itself."""


def plain(text: str, longest: int = NAME_MAX) -> str:
    """Return a text of the user as it can be printed: nothing unprintable, not too long."""
    return printable(text, longest)


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
    *first, last = map(plain, wanted.kinds or ("nothing",))
    kinds = f"{', '.join(first)} and {last}" if first else last
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


def next_steps(
    found: Definition, path: str, out: str | None, *, reading: str = "", deciding: str = ""
) -> list[str]:
    """Return the commands to run next.

    Args:
        found: The definition.
        path: Of the log.
        out: Of the rules file that was written; None proposes one.
        reading: Options with which the log was read.
        deciding: Options with which people decided for themselves.
    """
    wanted, log = found.proposal, f"{shlex.quote(path)}{reading}"
    if wanted is None:
        return []
    rules = shlex.quote(out or "rules.yaml")
    test = f"winback backtest {log} --rules {rules} --horizon-days {wanted.horizon_days:.10g}"
    if wanted.min_active_days != BACKTEST_ACTIVE_DAYS:
        test += f" --min-active-days {wanted.min_active_days}"
    return [test] if out else [f"winback define {log}{deciding} --out {rules}", test]


def options(**given: object) -> str:
    """Return options as they are typed, each after a space; None is left out.

    ``options(on_bad_row="skip", timezone=None)`` is `` --on-bad-row skip``.
    """
    return "".join(
        f" --{name.replace('_', '-')} {shlex.quote(str(value))}"
        for name, value in given.items()
        if value is not None
    )


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
