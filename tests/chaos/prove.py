"""Exactness at large: many faults on a real Kafka, then every record compared with the replay.

    python -m tests.chaos.prove [--seed N] [--faults N] [--users N] [--days N] [--rate N]

Prints the seed, the plan and every fault; exit code 1 when anything was lost or doubled, and then
the directory with logs and results stays.
"""

import argparse
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import figures
from benchmarks.core_stages import BUILD, RULES
from benchmarks.model import frozen_model
from benchmarks.workload import Shape, cached_csv
from streams.runtime.embedded.fixture import EmbeddedKafka
from tests.chaos.deployment import Setting
from tests.chaos.driver import Chaos, Ended
from tests.chaos.oracle import Findings, examine
from tests.chaos.schedule import plan


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Run, compare, record the figures."""
    parser = argparse.ArgumentParser(
        description="Faults on a real Kafka, compared with the replay."
    )
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--faults", type=int, default=24)
    parser.add_argument("--users", type=int, default=12_000)
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--rate", type=int, default=4_000)
    parser.add_argument("--session-s", type=float, default=4.0)
    args = parser.parse_args()
    seed = secrets.randbelow(1 << 16) if args.seed is None else args.seed
    shape = Shape(args.users, args.days, seed, life_days=70.0)
    setting = Setting(
        cached_csv(shape, BUILD), RULES, frozen_model(RULES, BUILD),
        args.rate, args.session_s,
    )  # fmt: skip
    with setting.log.open("rb") as lines:
        events = sum(1 for _ in lines) - 1
    planned = plan(seed, 3.0, events / args.rate, args.faults)
    say(f"seed {seed}: {events:,} events of {args.users:,} users at {args.rate:,}/s")
    say("plan: " + ", ".join(f"{each.at_s:.0f} s {each.fault}" for each in planned))
    directory = Path(tempfile.mkdtemp(prefix="winback-prove-"))
    with EmbeddedKafka() as kafka:
        chaos = Chaos(kafka, directory, setting, say)
        ended = chaos.run(planned)
        found = examine(chaos.stand, setting.log)
    report(seed, ended, found)
    if not found.is_exact:
        say(f"logs and results: {directory}")
        sys.exit(1)
    shutil.rmtree(directory)


def report(seed: int, ended: Ended, found: Findings) -> None:
    """Print what was found and record the figures."""
    note = (
        f"seed {seed}, {ended.events:,} events at {ended.events_per_s:,.0f}/s, "
        f"{found.users:,} users, {found.touches:,} touches, {ended.faults} faults"
    )
    measured = {
        "chaos_state_differences": found.state,
        "chaos_touches_missing": found.missing,
        "chaos_touches_extra": found.extra,
        "chaos_touches_twice": found.twice,
        "chaos_faults": ended.faults,
        "chaos_events": ended.events,
    }
    figures.show([figures.record(name, value, note=note) for name, value in measured.items()])
    say(f"decisions that differ: {found.decisions}")
    say(f"holes and overlaps in the journal: {found.journal}")
    say(f"workers that ended by themselves, and were replaced: {len(ended.crashes)}")
    for line in found.details:
        say(line)


if __name__ == "__main__":
    main()
