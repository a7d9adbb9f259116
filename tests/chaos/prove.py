"""Exactness at large: many faults on a real Kafka, then every record compared with the replay.

    python -m tests.chaos.prove [--only table network brokers storm] [--seed N] [--rate N]

Cut into units of some minutes; those that are done are not done again (``build/proofs``), unless
the product or the parameters have changed. Prints the seed, the plan and every fault; exit code 1
when anything was lost or doubled, and then the directory with logs and results stays.
"""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks import figures
from benchmarks.core_stages import BUILD, RULES
from benchmarks.ledger import Ledger
from benchmarks.model import frozen_model
from benchmarks.workload import Shape, cached_csv
from streams.runtime.embedded.fixture import EmbeddedKafka
from tests.chaos.brokers import Brokers
from tests.chaos.deployment import LINKS, Kafka, Means, Setting
from tests.chaos.disk import Disk, NoDiskError
from tests.chaos.driver import Chaos, Ended
from tests.chaos.ending import ends_when_asked
from tests.chaos.oracle import Findings, examine
from tests.chaos.proxy import Links
from tests.chaos.schedule import LINKED, Fault, plan

SHARE: Final = (
    *[Fault.KILL] * 4, *[Fault.JOIN] * 4, Fault.BROKER_TERM, Fault.BROKER_KILL, Fault.PAUSE,
)  # fmt: skip
"""A fifth of: 20 kills, 20 rebalances, 10 bounces of the broker, 5 zombies."""
UNITS: Final[dict[str, tuple[Fault, ...]]] = {
    **{f"table-{number}": SHARE for number in range(1, 6)},
    "network-1": (*LINKED, *LINKED, Fault.KILL, Fault.TERM),
    "brokers-1": (*[Fault.BROKER_TERM, Fault.BROKER_KILL] * 3, Fault.KILL, Fault.JOIN, Fault.PAUSE),
    "storm-1": (Fault.STORM, Fault.STORM, Fault.DISK_FULL, Fault.DISK_FULL, Fault.TERM),
}
BROKERS: Final = 3
BEGIN_S: Final = 3.0
SPAN_SHARE: Final = 0.85
"""The plan ends while there still is something to feed."""
DISK_MB: Final = 1_500
WRONG: Final = ("state", "missing", "extra", "twice", "decisions", "journal")
COUNTED: Final = {
    "kills": (Fault.KILL,), "rebalances": (Fault.JOIN,), "zombies": (Fault.PAUSE,),
    "bounces": (Fault.BROKER_TERM, Fault.BROKER_KILL),
}  # fmt: skip


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Run what is left, compare, record the figures."""
    parser = argparse.ArgumentParser(
        description="Faults on a real Kafka, compared with the replay."
    )
    kinds = sorted({name.partition("-")[0] for name in UNITS})
    parser.add_argument("--only", nargs="+", choices=kinds, default=kinds)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--rate", type=int, default=6_000)
    parser.add_argument("--session-s", type=float, default=4.0)
    args = parser.parse_args()
    ends_when_asked()
    shown = {name: value for name, value in vars(args).items() if name != "only"}
    ledger = Ledger("chaos", shown)
    wanted = [name for name in UNITS if name.partition("-")[0] in args.only]
    for name in ledger.left(wanted):
        ledger.done(name, prove_unit(name, args))
    report(ledger, args.only)
    sys.exit(any(entry.result[kind] for entry in ledger.entries for kind in WRONG))


def prove_unit(name: str, args: argparse.Namespace) -> dict[str, Any]:
    """Feed, break, compare; return what came of it."""
    seed = args.seed + list(UNITS).index(name)
    shape = Shape(args.users, args.days, seed, life_days=70.0)
    setting = Setting(
        cached_csv(shape, BUILD), RULES, frozen_model(RULES, BUILD), args.rate, args.session_s,
        BROKERS if name.startswith("brokers") else 1,
    )  # fmt: skip
    with setting.log.open("rb") as lines:
        events = sum(1 for _ in lines) - 1
    kinds = UNITS[name]
    planned = plan(seed, BEGIN_S, SPAN_SHARE * events / args.rate, len(kinds), kinds)
    say(f"{name}: seed {seed}, {events:,} events of {args.users:,} users at {args.rate:,}/s")
    say("plan: " + ", ".join(f"{each.at_s:.0f} s {each.fault}" for each in planned))
    directory = Path(tempfile.mkdtemp(prefix=f"winback-prove-{name}-"))
    with ExitStack() as stack:
        kafka, means = _kafka(stack, kinds, setting.replication)
        chaos = Chaos(kafka, directory, setting, say, means)
        ended = chaos.run(planned)
        found = examine(chaos.stand, setting.log)
    result = _result(kinds, ended, found)
    say(f"{name}: {result}")
    for line in (*found.details, *ended.undone, *ended.crashes):
        say(line[:400])
    if found.is_exact:
        shutil.rmtree(directory)
        setting.log.unlink()
    else:
        say(f"logs and results: {directory}")
    return result


def _kafka(stack: ExitStack, kinds: Sequence[Fault], brokers: int) -> tuple[Kafka, Means]:
    """Start brokers with what the faults need; a disk that cannot be had is said, not hidden."""
    if brokers > 1:
        return stack.enter_context(Brokers(brokers)), Means()
    disk = links = None
    if Fault.DISK_FULL in kinds:
        try:
            disk = stack.enter_context(Disk(DISK_MB))
            say(f"disk: {disk.kind}")
        except NoDiskError as error:
            say(f"disk-full will not be done: {error}")
    if not set(LINKED).isdisjoint(kinds):
        links = stack.enter_context(Links(LINKS))
    kafka = EmbeddedKafka(
        None if disk is None else disk.path / "kafka",
        more=None if links is None else links.properties,
    )
    return stack.enter_context(kafka), Means(links, disk)


def _result(kinds: Iterable[Fault], ended: Ended, found: Findings) -> dict[str, Any]:
    done = Counter(kinds) - Counter(Fault(line.partition(":")[0]) for line in ended.undone)
    return {
        **{kind: getattr(found, kind) for kind in WRONG},
        **{name: sum(done[each] for each in faults) for name, faults in COUNTED.items()},
        "faults": ended.faults, "undone": ended.undone, "touches": found.touches,
        "events": ended.events, "rate": ended.events_per_s, "crashes": len(ended.crashes),
        "of": {str(fault): count for fault, count in sorted(done.items())},
    }  # fmt: skip


def report(ledger: Ledger, kinds: Iterable[str]) -> None:
    """Print the sums and record the figures: those of the table, and those of everything else."""
    for kind in kinds:
        results = [entry.result for entry in ledger.entries if entry.unit.partition("-")[0] == kind]
        if not results:
            continue
        total = {
            field: sum(result[field] for result in results)
            for field in (*WRONG, *COUNTED, "events", "touches", "faults", "crashes")
        }
        slowest = min(result["rate"] for result in results)
        done = sum((Counter(result["of"]) for result in results), Counter())
        note = (
            f"{len(results)} runs, {total['events']:,} events at {slowest:,.0f}/s or more, "
            f"{total['touches']:,} touches, "
            + ", ".join(f"{count} {fault}" for fault, count in done.items())
            + "".join(f"; NOT DONE: {each}" for result in results for each in result["undone"])
        )
        say(f"{kind}: {note}; {total['crashes']} workers ended by themselves, and were replaced")
        measured = _measured(kind, total, slowest)
        figures.show([figures.record(name, value, note=note) for name, value in measured])
    say(ledger.span)


def _measured(kind: str, total: dict[str, int], slowest: float) -> list[tuple[str, float]]:
    if kind != "table":
        return [(f"chaos_{kind}_differences", sum(total[each] for each in WRONG))]
    return [
        ("chaos_state_differences", total["state"]),
        ("chaos_touches_missing", total["missing"]),
        ("chaos_touches_extra", total["extra"]),
        ("chaos_touches_twice", total["twice"]),
        ("chaos_decisions_differing", total["decisions"]),
        ("chaos_journal_faults", total["journal"]),
        *((f"chaos_{name}", total[name]) for name in COUNTED),
        ("chaos_events", total["events"]),
        ("chaos_events_per_s", slowest),
    ]


if __name__ == "__main__":
    main()
