"""``winback backtest``: what the service would have said then, knowing only what it knew then."""

import os
from typing import TYPE_CHECKING, Any

import click
import msgspec

from streams.commands.counted import counted
from streams.commands.log_options import LogOptions, log_options
from streams.errors import Exit, UserError
from streams.settings import load_settings

if TYPE_CHECKING:
    from streams.core.rules import Rules
    from streams.replay.files import EventLog


@click.command()
@click.argument("file")
@click.option("--horizon-days", type=click.FloatRange(0.05, 3_650), required=True, metavar="H",
              help="Silence of so many days is churn.")  # fmt: skip
@click.option("--points", metavar="CSV", help="Points (user_id,at) to score; needs --scores.")
@click.option("--scores", metavar="CSV",
              help="Write P(no activity in the next H) of every point.")  # fmt: skip
@click.option("--risk", metavar="CSV",
              help="Write P(this silence reaches H) at every rescore.")  # fmt: skip
@click.option("--alerts", metavar="CSV", help="Write the alerts (user_id,at).")
@click.option("--min-active-days", type=click.IntRange(min=1), default=5, show_default=True,
              help="Below so many active days nothing is said about a user.")  # fmt: skip
@click.option("--since", metavar="ISO", help="Write risk and alerts from this instant on.")
@click.option("--coverage", metavar="FILE",
              help="Known gaps: csv from,to[,user_id], or JSON missing_ranges.")  # fmt: skip
@click.option("--partitions", type=click.IntRange(1, 4096), default=1, show_default=True,
              help="As many as the service has; says the same as one, more slowly.")  # fmt: skip
@click.option("--rules", metavar="YAML", help="Business rules. Default: WINBACK_RULES.")
@click.option("--kinds", metavar="A,B",
              help="One to six event names told apart. Default: those of the rules file, else the "
                   "two most frequent.")  # fmt: skip
@log_options
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def backtest(
    *,
    file: str,
    horizon_days: float,
    points: str | None,
    scores: str | None,
    risk: str | None,
    alerts: str | None,
    min_active_days: int,
    since: str | None,
    coverage: str | None,
    partitions: int,
    rules: str | None,
    kinds: str | None,
    reading: LogOptions,
    quiet: bool,
    as_json: bool,
) -> int:
    """Run the service over the past of FILE in shadow: it decides, but nobody is treated.

    Whatever is said of an instant rests on the events before it and on outcomes that were known by
    then. Without --points the summary holds the alerts beside the rule "silent for x days".
    """
    from streams.replay.backtest import Asked, Backtest  # noqa: PLC0415 (quick --help)
    from streams.replay.gaps import NO_GAPS, read_gaps  # noqa: PLC0415
    from streams.replay.instants import option_ms  # noqa: PLC0415
    from streams.replay.points import check_writable, read_points  # noqa: PLC0415
    from streams.replay.progress import Progress, shown  # noqa: PLC0415
    from streams.runtime.ticks import now_ms  # noqa: PLC0415

    if (points is None) != (scores is None):
        raise UserError("--points and --scores belong together", "name both files, or neither")
    log = reading.log(file)
    asked = Asked(
        points=None if points is None else read_points(points),
        scores=scores,
        risk=risk,
        alerts=alerts,
        since_ms=option_ms("--since", since) or 0,
        partitions=partitions,
        gaps=NO_GAPS if coverage is None else read_gaps(coverage),
    )
    book = _rules(log, rules, (horizon_days, min_active_days, kinds))
    check_writable(scores, risk, alerts)
    test = Backtest(book, asked, now_ms())
    with Progress("back-testing", is_quiet=quiet or as_json) as progress:
        summary = test.run(shown(log, progress))
        summary["seconds"] = round(progress.seconds(), 2)
    summary["rows_skipped"] = log.skipped
    click.echo(msgspec.json.encode(summary).decode() if as_json else _said(summary))
    return Exit.OK


def _rules(log: "EventLog", path: str | None, churn: tuple[float, int, str | None]) -> "Rules":
    from streams.core.told_apart import ToldApartError, kinds_of  # noqa: PLC0415 (quick --help)
    from streams.replay.rulebook import (  # noqa: PLC0415
        most_frequent_kinds,
        names_kinds,
        redefined,
        rules_at,
    )

    horizon_days, min_active_days, kinds = churn
    path = load_settings(os.environ).rules if path is None else path
    book = rules_at(path)
    if kinds is not None:
        try:
            names = kinds_of(kinds.split(","))
        except ToldApartError as error:
            raise UserError(f"--kinds {kinds}: {error}", "write A,B") from None
    else:
        names = book.churn.kinds if names_kinds(path) else most_frequent_kinds(log.head(), book)
    return redefined(book, horizon_days=horizon_days, min_active_days=min_active_days, kinds=names)


def _said(summary: dict[str, Any]) -> str:
    users = f"{counted(summary['events'], 'event')} of {counted(summary['users'], 'user')}"
    churn = f"churn = {summary['horizon_days']:g} silent days"
    examples = counted(summary["examples_learned"], "example")
    learned = f"{examples} learned, {summary['seconds']:g} s"
    lines = [f"back-tested {users} up to {summary['last_event_at']}, {churn}, {learned}"]
    lines += [
        f"  {counted(summary[name], noun)} {what}"
        for name, noun, what in (
            ("events_rejected", "event", "rejected"),
            ("rows_skipped", "row", "skipped"),
        )
        if summary[name]
    ]
    if (missing := summary.get("missing")) is not None:
        lines.append(f"  missing  {counted(missing['outages'], 'outage')}, "
                     f"{missing['outage_days']:g} days in all; "
                     f"{counted(missing['users_away'], 'user')} away for a time")  # fmt: skip
    if (points := summary.get("points")) is not None:
        lines.append(f"  points   {points['scored']:,} of {points['asked']:,} scored; "
                     f"the outcome of {points['outcome_known']:,} is in the log")  # fmt: skip
        if points.get("auc") is not None:
            lines.append(f"  ranking  AUC {points['auc']:.4f}, recency alone "
                         f"{points['auc_of_recency']:.4f}; {points['churned']:.1%} left, said "
                         f"{points['mean_probability']:.1%}")  # fmt: skip
    if (alerts := summary.get("alerts")) is not None:
        project, rule = alerts["project"], alerts.get("silence_rule")
        lines.append(f"  alerts   {counted(alerts['cases_opened'], 'case')}; {_graded(project)}")
        if rule is not None:
            days = rule["silent_more_than_days"]
            lines.append(f"  beside   silent for more than {days:g} days: {_graded(rule)}")
    return "\n".join(lines)


def _graded(grades: dict[str, Any]) -> str:
    known = f"{counted(grades['alerts'], 'alert')} whose outcome is in the log"
    if grades["precision"] is None or grades["recall"] is None:
        return known
    return f"{known}, precision {grades['precision']:.3f}, recall {grades['recall']:.3f}"
