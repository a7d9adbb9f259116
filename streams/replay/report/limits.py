"""What to distrust in a report: said by the report itself."""

from streams.replay.report.facts import Facts
from streams.replay.report.figures import Figures
from streams.replay.report.numbers import date, days, number, percent


def limits(found: Figures, facts: Facts) -> list[str]:
    """Return what to bear in mind, what weighs most first."""
    horizon = days(facts.horizon_days)
    said = [
        (
            "Nobody was contacted: this is what would have been said, not what contacts would have "
            "changed. What recall earns is known only against a holdout, once the service runs."
        )
    ]
    said.append(
        f"What became of the last {horizon} of the log cannot be known; alerts and questions of "
        "that time are left out."
    )
    said.append(
        f"Customers with fewer than {facts.min_active_days} active days are not judged and not "
        "counted."
    )
    return [*said, *_by_data(found, facts)]


def _by_data(found: Figures, facts: Facts) -> list[str]:
    said = []
    grey = [s for division in found.divisions for s in division.segments if s.is_small]
    if grey:
        said.append(
            "Rows in grey rest on too few customers to be more than a hint: "
            f"{', '.join(dict.fromkeys(s.name for s in grey))}."
        )
    learned = next((e for e in found.drift.entries if e.phase == "learned"), None)
    if learned is None:
        said.append(
            "The model had not learned enough by the end of the log to speak alone; what was in "
            "force was wholly or partly the prior."
        )
    else:
        said.append(
            f"The figures begin with the first question, when little was learned; from "
            f"{date(learned.at_ms)} on the model spoke alone."
        )
    alarms = sorted({name for entry in found.drift.entries for name in entry.alarms})
    if alarms:
        said.append(f"Alarms were raised on the way: {', '.join(alarms)}.")
    if facts.events_rejected or facts.rows_skipped:
        bad = facts.events_rejected + facts.rows_skipped
        share = bad / max(facts.events + bad, 1)
        said.append(f"{number(bad)} rows ({percent(share)}) could not be used.")
    said += [f"Known outage of the source: {outage}." for outage in facts.coverage]
    if not facts.coverage:
        said.append(
            "If the source failed to log for a while, that looks like silence here; --coverage "
            "tells of known outages."
        )
    return said
