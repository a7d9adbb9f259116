"""Figures: what is promised beside what was measured.

    python -m benchmarks.figures [--json]  # table of all, printed and written to docs/figures.md

A measurement calls `record`, which writes one JSON file a figure into ``build/figures``. The newest
of each is kept in ``benchmarks/results/figures.json``, for not everything is measured on one day or
machine. The promises are the catalogue below: a figure without one is a fact, and holds nothing.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.compare.promised import SPEED
from benchmarks.conformance_promised import CONFORMANCE
from benchmarks.decisions.promised import DECISIONS
from benchmarks.decisions.promised_worlds import WORLDS
from benchmarks.lane_promised import LANE
from benchmarks.promise import Promise
from benchmarks.quality.scenarios import promises
from benchmarks.replay_promised import REPLAY
from benchmarks.silence_promised import SILENCE

ROOT: Final = Path(__file__).resolve().parents[1]
FIGURES: Final = ROOT / "build" / "figures"
KEPT: Final = ROOT / "benchmarks" / "results" / "figures.json"
PAGE: Final = ROOT / "docs" / "figures.md"
LIBRARIES: Final = ("winback", "faust-streaming", "aiokafka", "numpy", "msgspec", "river")


PROMISES: Final[dict[str, Promise]] = {
    "sender_touches_per_s": Promise(
        "sender kit, a provider that takes 50 ms, one process, order per user", "1/s", ">=", 1_000
    ),
    "sender_http_touches_per_s": Promise(
        "the same with a provider behind HTTP, called with httpx", "1/s"
    ),
    "sender_cpu_us_per_touch": Promise("CPU of the sender per touch", "µs"),
    "sender_topic_to_call_p99_ms": Promise(
        "touch on the topic to the call of the provider, p99", "ms", "<=", 200
    ),
    "upgrade_wrong": Promise(
        "this version and the one before, in turn and side by side: what was not as promised",
        "",
        "==",
        0,
    ),
    "worlds_played": Promise("simulated worlds of the whole service", "", ">=", 20_000),
    "worlds_failed": Promise("those that did not come to what the replay says", "", "==", 0),
    "world_cpu_s": Promise("CPU of a world, its judgement included", "s", "<=", 0.15),
    "bugs_planted": Promise("bugs planted on purpose, for worlds to find", "", ">=", 12),
    "bugs_not_found": Promise("those that no world found", "", "==", 0),
    "bug_found_after_worlds_max": Promise("worlds until the last one was found", "", "<=", 2_000),
    "core_us_per_event": Promise("the pure core on the same log: decode to records", "µs"),
    "restore_users_per_s": Promise("restore of a compacted changelog", "users/s", ">=", 250_000),
    "restore_mb_per_s": Promise(
        "the same in bytes of states; one of the two is asked for", "MB/s", ">=", 100
    ),
    "restart_first_event_s": Promise(
        "restart on the same host after a kill: start of the process to the first durable event",
        "s",
        "<=",
        10,
    ),
    "restart_stopped_first_event_s": Promise(
        "the same after it was stopped in order", "s", "<=", 10
    ),
    "restart_without_files_s": Promise("the same without state files: from the changelog", "s"),
    "restart_peak_mb": Promise("memory of that worker at its most", "MB"),
    "state_file_cpu_us_per_user": Promise("writing a state file: CPU per user", "µs"),
    "failover_beyond_session_s": Promise(
        "kill -9 to survivor durable, beyond the session time-out", "s", "<=", 1
    ),
    "scrape_ms": Promise(
        "/metrics with every series that a worker can have: a scrape, median", "ms", "<=", 20
    ),
    "scrape_cpu_ms": Promise("the same: CPU of the worker's event loop", "ms", "<=", 20),
    "scrape_series": Promise("the same: series", "series", "<=", 2_000),
    "alert_latest_s": Promise(
        "a fault to its alert, of all that were tried: the latest", "s", "<=", 120
    ),
    "alerts_differing": Promise(
        "faults that brought another alert, or one more, or were not explained", "", "==", 0
    ),
    "bytes_per_user": Promise("memory of a user in state, timers included", "B", "<=", 800),
    "idle_tick_ms": Promise("tick over a million silent users, nothing due", "ms", "<=", 1),
    **SILENCE,
    "path_us_per_user": Promise("score of the whole silent path, per user", "µs", "<=", 5),
    "step_us_per_user": Promise("score of one step, per user", "µs", "<=", 1),
    "mix_path_us_per_user": Promise("the same by the mix with trees, a challenger", "µs"),
    "learn_us_per_example": Promise("learning an example, all models together", "µs", "<=", 60),
    "roster_us_per_example": Promise("the roster as a whole, per example", "µs"),
    "help_s": Promise("winback --help", "s", "<=", 0.3),
    "poison_auc_lost": Promise(
        "complete_journey with 5 % garbage and 5 % of hostile users' events: AUC that it costs",
        "",
        "<=",
        0.005,
    ),
    "hostile_users_kept": Promise(
        "a million strangers in a minute, WINBACK_USERS_MAX 100,000, 4 partitions: users kept",
        "users",
        "<=",
        400_000,
    ),
    "hostile_touches_s": Promise(
        "the same: from complaints of honest users in the middle of it to all their touches", "s"
    ),
    "poison_within_lost": Promise("the same: AUC among users of the same day", "", "<=", 0.005),
    **{
        f"intake_{name}_over_native": Promise(
            f"decoding and mapping a record in {name}, over a native one", "×", "<=", most
        )
        for name, most in (
            ("segment", 2),
            ("sensors", 2),
            ("cloudevents", 2),
            ("debezium", 2),
            ("canal", 2),
            ("json", 2),
            ("avro", 3),
        )
    },
    "router_us_per_event": Promise("the router, backlog: CPU per event, durable and fenced", "µs"),
    "router_over_pipeline": Promise("the same over the pipeline that reads what it wrote", "×"),
    "chaos_state_differences": Promise(
        "users whose state differs from the replay's, after faults", "users", "==", 0
    ),
    "fuzz_inputs": Promise("hostile inputs given to all decoders", "inputs", ">=", 10_000_000),
    "fuzz_exceptions": Promise("of them: exceptions but a typed refusal", "inputs", "==", 0),
    "fuzz_slow": Promise("of them, of at most 64 KB: over 10 ms of CPU", "inputs", "==", 0),
    "chaos_touches_missing": Promise(
        "touches of the replay that were not sent, after faults", "touches", "==", 0
    ),
    "chaos_touches_extra": Promise(
        "touches sent that the replay does not have, after faults", "touches", "==", 0
    ),
    "chaos_touches_twice": Promise("touches sent twice, after faults", "touches", "==", 0),
    "chaos_decisions_differing": Promise(
        "decisions that differ from the replay's, after faults", "decisions", "==", 0
    ),
    "chaos_journal_faults": Promise("holes and overlaps in the journal of it", "", "==", 0),
    "chaos_kills": Promise("kill -9 in those runs", "", ">=", 20),
    "chaos_rebalances": Promise("workers that joined or left", "", ">=", 20),
    "chaos_bounces": Promise("bounces of the broker, half of them kill -9", "", ">=", 10),
    "chaos_zombies": Promise("workers stopped for twice their session", "", ">=", 5),
    "chaos_events": Promise("events in those runs", "events"),
    "chaos_events_per_s": Promise("rate of the slowest of those runs", "events/s", ">=", 5_000),
    "chaos_network_differences": Promise(
        "all of that after cuts of the network, one way and both, and slow links", "", "==", 0
    ),
    "chaos_brokers_differences": Promise(
        "all of that after bounces of three brokers in turn: leaders and coordinators move",
        "",
        "==",
        0,
    ),
    "chaos_storm_differences": Promise(
        "all of that after rebalances every second and a full disk", "", "==", 0
    ),
    "chaos_topics_silent": Promise(
        "ways to break a topic under a worker that does not say so", "", "==", 0
    ),
    "chaos_topics_differences": Promise(
        "all differences after such a topic was mended", "", "==", 0
    ),
    **{
        f"stock_{guarantee}_{name}": Promise(
            f"stock Faust, {guarantee}, after faults: {what}", unit
        )
        for guarantee in ("at_least_once", "exactly_once")
        for name, what, unit in (
            ("state_differences", "users whose state differs from the replay's", "users"),
            ("touches_wrong", "touches lost, doubled or not of the replay", "touches"),
            ("stands_still", "1 = no worker comes up any more, and nothing can be compared", ""),
        )
    },
    "soak_slope_mb_per_h": Promise(
        "memory of a worker over a soak with faults, constant population", "MB/h", "<=", 1
    ),
    "soak_tasks_more": Promise("coroutines or threads more at its end", "tasks", "<=", 1),
    "soak_handles_more": Promise("open files and sockets more at its end", "handles", "<=", 2),
    "soak_lag_more_s": Promise("lag more at its end", "s", "<=", 1),
    "soak_journal_faults": Promise("holes and overlaps in the journal after it", "", "==", 0),
    "merges_ids": Promise("ids merged under faults", "ids", ">=", 10_000),
    "merges_people_wrong": Promise(
        "people whose events or value are not what they did, after merges under faults",
        "people",
        "==",
        0,
    ),
    "merges_people_apart": Promise("people left with two states", "people", "==", 0),
    "merges_cases_lost": Promise("cases lost in merges", "cases", "==", 0),
    "merges_cases_twice": Promise("cases doubled by merges", "cases", "==", 0),
    "merges_touches_twice": Promise("touches sent twice, with merges", "touches", "==", 0),
    "merges_revocations_disorderly": Promise(
        "revocations not behind their request on its partition", "touches", "==", 0
    ),
    "merges_cases_carried_on": Promise("cases that went on under another id", "cases"),
    **REPLAY,
    **LANE,
    **SPEED,
    **promises(),
    **WORLDS,
    **DECISIONS,
    **CONFORMANCE,
}
"""Name of a figure to its promise."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement.

    Attributes:
        name: Name in the catalogue, or a name of its own.
        value: What was measured.
        unit: Its unit.
        must: The promise, empty for a fact.
        holds: Whether it is kept; None for a fact.
        command: How to measure it again.
        machine: Where.
        versions: With what.
        date: When, ISO 8601 UTC.
        note: What exactly was measured.
    """

    name: str
    value: float
    unit: str
    must: str
    holds: bool | None
    command: str
    machine: str
    versions: dict[str, str]
    date: str
    note: str = ""


def record(name: str, value: float, *, note: str = "", how: str = "") -> Figure:
    """Write a figure to ``build/figures`` and return it.

    Args:
        name: Its name in the catalogue.
        value: What was measured.
        note: What exactly was measured.
        how: How to measure it again; the command of this process by default.
    """
    promise = PROMISES[name]
    holds = promise.holds(value) if promise.relation else None
    figure = Figure(
        name=name, value=round(value, 6), unit=promise.unit, must=promise.must, holds=holds,
        command=how or command(), machine=machine(), versions=versions(),
        date=datetime.now(UTC).isoformat(timespec="seconds"), note=note,
    )  # fmt: skip
    FIGURES.mkdir(parents=True, exist_ok=True)
    path = FIGURES / f"{name.replace(':', '-')}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(figure), indent=2) + b"\n")
    return figure


def command() -> str:
    """Return the command line of this process, as one would type it in the repository."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    program = f"-m {spec.name}" if spec is not None else Path(sys.argv[0]).name
    return " ".join(["python", program, *sys.argv[1:]])


def machine() -> str:
    """Return processor, cores and memory in words."""
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {gigabytes:.0f} GB, {platform.system()}"


def versions() -> dict[str, str]:
    """Return the versions of what was measured."""
    asked = ["git", "rev-parse", "--short", "HEAD"]
    head = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    known = {name: version(name) for name in LIBRARIES}
    return {
        "python": platform.python_version(),
        **known,
        "commit": head.stdout.strip() or "unknown",
    }


def read_all() -> list[Figure]:
    """Return the newest of each figure: those of the catalogue in its order, then the others."""
    kept = msgspec.json.decode(KEPT.read_bytes(), type=list[Figure]) if KEPT.exists() else []
    made = [msgspec.json.decode(path.read_bytes(), type=Figure) for path in FIGURES.glob("*.json")]
    newest = {figure.name: figure for figure in sorted([*kept, *made], key=lambda one: one.date)}
    order = list(PROMISES)
    return sorted(
        newest.values(),
        key=lambda figure: (
            order.index(figure.name) if figure.name in order else len(order), figure.name
        ),
    )  # fmt: skip


def page(figures: list[Figure]) -> str:
    """Return ``docs/figures.md``: promise beside measurement."""
    lines = [
        "# Figures", "",
        "Written by `make bench` and `make prove` from `build/figures/*.json` and what is kept of",
        "before (`benchmarks/results/figures.json`); what was not measured yet has a dash.",
        "", "| what | must | measured | holds | how | when |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    measured = {figure.name: figure for figure in figures}
    lines += [_row(name, measured.get(name)) for name in dict.fromkeys([*PROMISES, *measured])]
    for title, said in (
        ("Machine", {figure.machine for figure in figures}),
        ("Versions", {_said(figure.versions) for figure in figures}),
    ):
        lines += ["", f"{title}: {'; '.join(sorted(said)) or 'nothing was measured yet'}."]
    return "\n".join([*lines, ""])


def _row(name: str, figure: Figure | None) -> str:
    promise = PROMISES.get(name)
    what = promise.what if promise else (figure.note if figure else "")
    if figure is None:
        unit = promise.unit if promise else ""
        return f"| `{name}` {what} | {_bound(promise.must if promise else '', unit)} | – | – | | |"
    holds = {None: "", True: "yes", False: "**no**"}[figure.holds]
    note = f" ({figure.note})" if figure.note and promise else ""
    commit = figure.versions.get("commit")
    when = figure.date[:10] + (f", `{commit}`" if commit else "")
    return (
        f"| `{name}` {what}{note} | {_bound(figure.must, figure.unit)} "
        f"| {_number(figure.value)} {figure.unit} | {holds} | `{figure.command}` "
        f"| {when} |"
    )


def _bound(must: str, unit: str) -> str:
    return f"{must} {unit}".strip() if must else ""


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _said(versions_of: dict[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions_of.items() if name != "commit")


def show(figures: list[Figure]) -> None:
    """Print figures, one line each."""
    for figure in figures:
        mark = {None: " ", True: "✓", False: "✗"}[figure.holds]
        bound = f"  must {_bound(figure.must, figure.unit)}" if figure.must else ""
        note = f"  {figure.note}" if figure.note else ""
        print(f"{mark} {figure.name:32} {_number(figure.value):>12} {figure.unit:9}{bound}{note}")


def main() -> None:
    """Write the page and print the table; exit code 1 when a promise is broken."""
    figures = read_all()
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(figures), encoding="utf-8")
    KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=1) + b"\n")
    if "--json" in sys.argv[1:]:
        print(msgspec.json.format(msgspec.json.encode(figures), indent=2).decode())
        sys.exit(any(figure.holds is False for figure in figures))
    show(figures)
    absent = PROMISES.keys() - {figure.name for figure in figures}
    for name in filter(absent.__contains__, PROMISES):
        print(f"- {name:32} not measured; must {PROMISES[name].must or 'nothing'}")
    sys.exit(any(figure.holds is False for figure in figures))


if __name__ == "__main__":
    main()
