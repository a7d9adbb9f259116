"""Merges at large: thousands of ids that are one person, on a real Kafka that is being broken.

    python -m tests.chaos.merges [--seed N] [--users N] [--faults N] [--rate N]

Nobody can say in which order partitions hear of links, so there is no replay to compare with. What
must hold is what adds up: each person's events and value, to the last; each case and each touch.
"""

import argparse
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from benchmarks import figures
from benchmarks.core_stages import BUILD, RULES
from benchmarks.model import frozen_model
from benchmarks.stand import Stand, committed
from benchmarks.workload import Shape
from streams.runtime.embedded.fixture import EmbeddedKafka
from tests.chaos.deployment import Setting
from tests.chaos.driver import Chaos, Ended
from tests.chaos.oracle import DECISIONS, SHOWN, TOUCHES
from tests.chaos.people import People, Sum, people
from tests.chaos.prove import say
from tests.chaos.schedule import plan


class Found(NamedTuple):
    """What is wrong; all zero when nothing was lost or doubled.

    Attributes:
        wrong: People whose events or value are not exactly what they did.
        apart: People of whom more than one id has a state.
        cases_lost: Cases that were opened and are neither open nor closed.
        cases_twice: Cases that are closed twice, or open and closed, or open with two users.
        touches_twice: Touches that were requested more than once.
        disorderly: Revocations that do not stand behind the request, on the same partition.
        merged: Merges on record.
        cases: Cases that were opened.
        touches: Touches requested.
        carried: Open cases that went on under another id.
        details: Some of the faults.
    """

    wrong: int
    apart: int
    cases_lost: int
    cases_twice: int
    touches_twice: int
    disorderly: int
    merged: int
    cases: int
    touches: int
    carried: int
    details: list[str]

    @property
    def is_exact(self) -> bool:
        """Whether nothing was lost and nothing doubled."""
        return not any(self[:6])


def examine(
    stand: Stand, truth: People, *, decisions: str = DECISIONS, touches: str = TOUCHES
) -> Found:
    """Compare what the service has come to with what people did.

    Args:
        stand: It ran there.
        truth: What was fed.
        decisions: Name of the topic.
        touches: Name of the topic.
    """
    states = [msgspec.json.decode(line) for line in stand.run("state", "export").splitlines()]
    sums: defaultdict[str, Sum] = defaultdict(lambda: Sum(0, 0))
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for state in states:
        person = truth.person_of[state["user_id"]]
        was = sums[person]
        sums[person] = Sum(
            was.events + state["events_applied"], was.value_minor + state["value_net_minor"]
        )
        ids[person].append(state["user_id"])
    wrong = [
        f"{person}: {sums[person]}, not {truth.sums[person]}; {ids[person]}"
        for person in sorted(truth.sums)
        if sums[person] != truth.sums[person]
    ]
    apart = [f"{person}: {own}" for person, own in sorted(ids.items()) if len(own) > 1]
    records = committed(stand.bootstrap, decisions)
    decided = [msgspec.json.decode(record.value) for record in records]
    merges = [said for said in decided if said["type"] == "identity.merged"]
    opened = {said["case_id"] for said in decided if said.get("case_id") and "step" in said}
    told = committed(stand.bootstrap, touches)
    messages = [msgspec.json.decode(record.value) for record in told]
    asked = Counter(each["touch_id"] for each in messages if each["type"] == "touch.requested")
    closed = Counter(each["case_id"] for each in messages if each["type"] == "case.closed")
    still = Counter(state["case"]["case_id"] for state in states if state["case"])
    ended = closed + still
    lost = sorted(opened - ended.keys())
    twice = sorted(case for case, count in ended.items() if count > 1)
    disorderly = _disorderly(told, messages)
    return Found(
        wrong=len(wrong), apart=len(apart), cases_lost=len(lost), cases_twice=len(twice),
        touches_twice=sum(count - 1 for count in asked.values()), disorderly=len(disorderly),
        merged=len(merges), cases=len(opened), touches=len(asked),
        carried=sum(bool(said["case_id"]) for said in merges),
        details=[
            *wrong[:SHOWN], *(f"apart: {each}" for each in apart[:SHOWN]),
            *(f"case lost: {each}" for each in lost[:SHOWN]),
            *(f"case twice: {each}" for each in twice[:SHOWN]), *disorderly[:SHOWN],
        ],
    )  # fmt: skip


def _disorderly(records: list[Any], messages: list[dict[str, Any]]) -> list[str]:
    """Return the revocations that a consumer would read before, or apart from, their request."""
    asked: dict[str, tuple[int, str]] = {}
    faults = []
    for record, said in zip(records, messages, strict=True):
        if said["type"] == "touch.requested":
            asked[said["touch_id"]] = record.partition, said["user_id"]
        elif said["type"] == "touch.revoked":
            place = record.partition, said["user_id"]
            if asked.get(said["touch_id"]) != place or record.key.decode() != said["user_id"]:
                faults.append(f"revoked at {place}: {said}")
    return faults


def prove(
    kafka: EmbeddedKafka, directory: Path, shape: Shape, setting: tuple[int, float], faults: int
) -> tuple[Chaos, Ended, Found, People]:
    """Feed the log of a shape, break what runs, and look at what has come of it.

    Args:
        kafka: A broker that may be broken.
        directory: For logs and results.
        shape: Of the log.
        setting: Events fed per second, and the session time-out of the workers.
        faults: How many.
    """
    truth = people(shape, directory)
    rate, session_s = setting
    chaos = Chaos(
        kafka, directory / "run",
        Setting(truth.log, RULES, frozen_model(RULES, BUILD), rate, session_s), say,
    )  # fmt: skip
    ended = chaos.run(plan(shape.seed, 2.0, max(truth.rows / rate, 4.0), faults))
    return chaos, ended, examine(chaos.stand, truth), truth


def main() -> None:
    """Run, compare, record the figures."""
    parser = argparse.ArgumentParser(description="Merges on a real Kafka that is being broken.")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--faults", type=int, default=18)
    parser.add_argument("--users", type=int, default=6_600)
    parser.add_argument("--days", type=int, default=100)
    parser.add_argument("--rate", type=int, default=2_500)
    parser.add_argument("--session-s", type=float, default=4.0)
    args = parser.parse_args()
    shape = Shape(args.users, args.days, args.seed, life_days=50.0)
    directory = Path(tempfile.mkdtemp(prefix="winback-merges-"))
    with EmbeddedKafka() as kafka:
        setting = (args.rate, args.session_s)
        _, ended, found, truth = prove(kafka, directory, shape, setting, args.faults)
    report(args.seed, ended, found, truth)
    if not found.is_exact:
        say(f"logs and results: {directory}")
        sys.exit(1)
    shutil.rmtree(directory)


def report(seed: int, ended: Ended, found: Found, truth: People) -> None:
    """Print what was found and record the figures."""
    note = (
        f"seed {seed}, {ended.events:,} events at {ended.events_per_s:,.0f}/s, "
        f"{len(truth.sums):,} people with {len(truth.person_of):,} ids, {found.merged:,} merges of "
        f"states, {found.cases:,} cases, {found.touches:,} touches, {ended.faults} faults"
    )
    measured = {
        "merges_ids": truth.merges,
        "merges_people_wrong": found.wrong,
        "merges_people_apart": found.apart,
        "merges_cases_lost": found.cases_lost,
        "merges_cases_twice": found.cases_twice,
        "merges_touches_twice": found.touches_twice,
        "merges_revocations_disorderly": found.disorderly,
        "merges_cases_carried_on": found.carried,
    }
    figures.show([figures.record(name, value, note=note) for name, value in measured.items()])
    say(f"workers that ended by themselves, and were replaced: {len(ended.crashes)}")
    for line in (*found.details, *ended.crashes[:SHOWN]):
        say(line)


if __name__ == "__main__":
    main()
