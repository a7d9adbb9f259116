"""``winback backtest``: what the service would have said then, knowing only what it knew then."""

from time import process_time
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from streams.commands.churn_options import churn_rules
from streams.commands.counted import counted
from streams.commands.guest_options import GuestOptions, guest_options
from streams.commands.log_options import LogOptions, log_options
from streams.errors import Exit, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.replay.backtest import Backtest
    from streams.replay.blocks import Block
    from streams.replay.files import EventLog


WITH_BUDGET: Final = 4
"""Partitions of a back-test with a budget: as many as a service has that nobody told otherwise."""


@click.command()
@click.argument("file")
@click.option("--horizon-days", type=click.FloatRange(0.05, 3_650), metavar="H",
              help="Silence of so many days is churn. Default: as the rules say.")  # fmt: skip
@click.option("--points", metavar="CSV", help="Points (user_id,at) to score; needs --scores.")
@click.option("--scores", metavar="CSV",
              help="Write P(no activity in the next H) of every point.")  # fmt: skip
@click.option("--risk", metavar="CSV",
              help="Write P(this silence reaches H) at every rescore.")  # fmt: skip
@click.option("--alerts", metavar="CSV", help="Write the alerts (user_id,at).")
@click.option("--min-active-days", type=click.IntRange(min=1), metavar="N",
              help="Below so many active days nothing is said about a user. Default: as the rules "
              "file says, else 5.")  # fmt: skip
@click.option("--since", metavar="ISO", help="Risk, alerts and figures from this instant on.")
@click.option("--coverage", metavar="FILE",
              help="Known gaps: csv from,to[,user_id], or JSON missing_ranges.")  # fmt: skip
@click.option("--html", metavar="HTML", help="Write a report for people, one file.")
@click.option("--compare", is_flag=True,
              help="Let batch models, refitted monthly, answer the same questions.")  # fmt: skip
@click.option("--shuffle", is_flag=True,
              help="Negative control: events dealt out by chance.")  # fmt: skip
@click.option("--partitions", type=click.IntRange(1, 4096),
              help="As many as the service has. Default: 4 with a budget, which partitions share; "
              "else 1, which says the same more quickly.")  # fmt: skip
@click.option("--rules", metavar="YAML", help="Business rules. Default: WINBACK_RULES.")
@click.option("--kinds", metavar="A,B",
              help="One to six event names told apart. Default: those of the rules file, else the "
                   "two most frequent.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 1024), metavar="N",
              help="Processes that run the users; they say the same. Default: one per core, and "
              "no more than MB of FILE.")  # fmt: skip
@guest_options
@log_options
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def backtest(
    *,
    file: str,
    horizon_days: float | None,
    points: str | None,
    scores: str | None,
    risk: str | None,
    alerts: str | None,
    min_active_days: int | None,
    since: str | None,
    coverage: str | None,
    html: str | None,
    compare: bool,
    shuffle: bool,
    partitions: int | None,
    rules: str | None,
    kinds: str | None,
    jobs: int | None,
    entering: GuestOptions,
    reading: LogOptions,
    quiet: bool,
    as_json: bool,
) -> int:
    """Run the service over the past of FILE in shadow: it decides, but nobody is treated.

    Whatever is said of an instant rests on the events before it and on outcomes that were known by
    then. The summary says how often alerts were right and how early they came; --html shows it. Of
    a run with --points alone only the scores are wanted: it is quicker, and has no summary of that.
    """
    from streams.replay.backtest import Asked, Backtest  # noqa: PLC0415 (quick --help)
    from streams.replay.crew import jobs_for  # noqa: PLC0415
    from streams.replay.gaps import NO_GAPS, read_gaps  # noqa: PLC0415
    from streams.replay.instants import option_ms  # noqa: PLC0415
    from streams.replay.opening import STDIN  # noqa: PLC0415
    from streams.replay.points import check_writable, read_points  # noqa: PLC0415
    from streams.replay.progress import Progress, shown  # noqa: PLC0415
    from streams.replay.told import OneShareError  # noqa: PLC0415
    from streams.runtime.ticks import now_ms  # noqa: PLC0415

    if (points is None) != (scores is None):
        raise UserError("--points and --scores belong together", "name both files, or neither")
    _check_report(file, html, compare=compare, shuffle=shuffle, has_points=points is not None)
    log = reading.log(file)
    book = churn_rules(
        log, rules, horizon_days=horizon_days, min_active_days=min_active_days, kinds=kinds
    )
    asked = Asked(
        points=None if points is None else read_points(points),
        scores=scores,
        risk=risk,
        alerts=alerts,
        since_ms=option_ms("--since", since) or 0,
        partitions=partitions or (WITH_BUDGET if book.budget.per_day else 1),
        reports=html is not None or compare or shuffle,
        compares=compare,
        is_control=shuffle,
        gaps=NO_GAPS if coverage is None else read_gaps(coverage),
        guests=entering.guests(book.churn.horizon_ms),
        jobs=jobs or jobs_for(file),
    )
    check_writable(scores, risk, alerts, html)
    with Progress("back-testing", is_quiet=quiet or as_json) as progress:

        def run(asked: Asked, log: "EventLog") -> tuple[Backtest, dict[str, Any]]:
            test, blocks = Backtest(book, asked, now_ms()), shown(log, progress)
            if shuffle:
                blocks = _dealt(blocks, reading.log(file))
            return test, test.run(blocks, progress.share)

        try:
            test, summary = run(asked, log)
        except OneShareError:
            if file == STDIN:
                raise UserError("the log joins ids, or speaks of all users at once",
                                "let one process run it: --jobs 1") from None  # fmt: skip
            log = reading.log(file)
            anew = None if points is None else read_points(points)
            test, summary = run(msgspec.structs.replace(asked, points=anew, jobs=1), log)
        summary["seconds"] = round(progress.seconds(), 2)
        summary["cpu_seconds"] = [round(cpu_s, 2) for cpu_s in (process_time(), *test.cpu_s)]
    summary["rows_skipped"] = log.skipped
    report = _report(test, summary, file, html)
    click.echo(msgspec.json.encode(summary).decode() if as_json else _said(summary, report))
    return Exit.OK


def _check_report(
    file: str, html: str | None, *, compare: bool, shuffle: bool, has_points: bool
) -> None:
    """Find out before a long run whether its report can be made."""
    from streams.pages.extras import needed  # noqa: PLC0415 (quick --help)

    if html is not None:
        needed("--html", "jinja2")
    if compare:
        needed("--compare", "sklearn")
    if shuffle and file == "-":
        raise UserError("--shuffle reads the log twice", "write it to a file first")
    if shuffle and has_points:
        raise UserError("--shuffle and --points exclude each other",
                        "dealt out by chance, a user of a point is somebody else")  # fmt: skip


def _dealt(blocks: "Iterator[Block]", log: "EventLog") -> "Iterator[Block]":
    """Deal the events of a log out to its users by chance."""
    from streams.replay.report.control import dealt, users_of  # noqa: PLC0415 (quick --help)

    return dealt(blocks, users_of(log.blocks()))


def _report(test: "Backtest", summary: dict[str, Any], file: str, html: str | None) -> str | None:
    """Return the report as text, if there is one, and write it as a page if that is wanted."""
    from streams.replay.points import Results  # noqa: PLC0415 (quick --help)
    from streams.replay.report.page import page  # noqa: PLC0415
    from streams.replay.report.table import shown  # noqa: PLC0415

    if test.figures is None:
        return None
    facts = test.facts(summary, file)
    if html is not None:
        with Results(html) as results:
            results.write(page(test.figures, facts))
        summary["html"] = html
    return shown(test.figures, facts)


def _said(summary: dict[str, Any], report: str | None) -> str:
    lines = []
    if report is None:
        users = f"{counted(summary['events'], 'event')} of {counted(summary['users'], 'user')}"
        examples = counted(summary["examples_learned"], "example")
        lines.append(
            f"back-tested {users} up to {summary['last_event_at']}, churn = "
            f"{summary['horizon_days']:g} silent days, {examples} learned, {summary['seconds']:g} s"
        )
    else:
        lines += [report, ""]
    if summary["events_rejected"]:
        why = ", ".join(
            f"{number:,} {reason}" for reason, number in summary["rejected_for"].items()
        )
        lines.append(f"  {counted(summary['events_rejected'], 'event')} rejected: {why}")
    if summary["rows_skipped"]:
        lines.append(f"  {counted(summary['rows_skipped'], 'row')} skipped")
    lines += _blind(summary.get("blind", []))
    if (points := summary.get("points")) is not None:
        lines += _scored(points)
    if "html" in summary:
        lines.append(f"  written: {summary['html']}")
    return "\n".join(lines).rstrip()


def _blind(outages: list[dict[str, Any]]) -> list[str]:
    """Return what is to be said of days on which the source may not have logged anything."""
    if not outages:
        return []
    first, more = outages[0], len(outages) - 1
    others = f" (and {counted(more, 'more such gap')})" if more else ""
    expected = f"{first['users_a_day_expected']:,} users a day were expected{others}"
    return [
        f"  from {first['from']} to {first['to']} nobody did anything, but {expected};",
        "  if the source did not log then, say so with --coverage, else it is taken for silence",
    ]


def _scored(points: dict[str, Any]) -> list[str]:
    """Return what is to be said of the points."""
    asked, scored = points["asked"], points["scored"]
    known = f"the outcome of {points['outcome_known']:,} is in the log"
    lines = [f"  points   {scored:,} of {asked:,} scored; {known}"]
    if scored < asked:
        lines.append(f"           of {asked - scored:,} it cannot say anything, because the log "
                     "has no event of the user before")  # fmt: skip
    if points.get("auc") is not None:
        lines.append(f"  ranking  AUC {points['auc']:.4f}, recency alone "
                     f"{points['auc_of_recency']:.4f}; {points['churned']:.1%} left, said "
                     f"{points['mean_probability']:.1%}")  # fmt: skip
    elif points["outcome_known"]:
        who = "nobody" if points["churned"] == 0.0 else "everybody"
        lines.append(f"  ranking  cannot say, because {who} left; "
                     f"said {points['mean_probability']:.1%}")  # fmt: skip
    return lines
