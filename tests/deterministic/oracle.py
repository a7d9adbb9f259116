"""What a world must have come to: the pure replay of its journal says it, record for record.

The replay is the pure core alone: no engine, no lane, no chunks but those of the journal. That the
journal itself is right is asked first: it takes every record of every source once and in order, and
no tick came before all that had arrived by then was read.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from streams.core.decoded import Rejected, Skipped, inputs_of
from streams.core.identity import decode_identity
from streams.core.inputs import ControlSet, Directive, Input
from streams.core.messages import JournalEntry, PartitionRecord
from streams.core.outbox import EXAMPLES, IDENTITY
from streams.core.partition import Partition
from streams.core.partition_record import OURS, PARTITION_KEY
from streams.runtime.columns import Columns
from streams.runtime.journal import CONTROL, IDLE, MODEL, POLICY, PRESENT, RULES, TICK
from tests.deterministic.logs import Log, Said
from tests.deterministic.setting import FIRST_RULES, Setting
from tests.unit.core.lessons import lessons_of
from winback_sender.contract.messages import Output

if TYPE_CHECKING:
    from tests.deterministic.world import World

Letters = Counter[tuple[str, int, str]]
"""Topic, offset and reason of dead letters."""


class Findings(list[str]):
    """What is wrong; empty when nothing is."""

    def demand(self, what: str, lived: Any, replayed: Any) -> None:
        """Say where a run and its replay differ."""
        if lived != replayed:
            self.append(f"{what}: lived {_short(lived)}, replayed {_short(replayed)}")


class Replayed(NamedTuple):
    """What the journal of a partition comes to."""

    core: Partition
    outputs: Mapping[str, list[Output]]
    keyed: Mapping[str, list[Output]]
    letters: Letters


def examine(world: "World") -> Findings:
    """Compare what a world came to with the replay of its journal."""
    findings = Findings()
    runs: list[Replayed] = []
    for number in range(world.partitions):
        steps = [step for entry in journal(world, number) for step in entry.inputs]
        _judge_journal(world, number, steps, findings)
        if not findings:
            runs.append(_replay(world, number, steps))
    if findings:
        return findings
    for number, run in enumerate(runs):
        _judge_state(world, number, run, findings)
        _judge_letters(world, number, run.letters, findings)
    for stream, topic in world.setting.streams.of_core.items():
        _judge_outputs(world, stream, topic, runs, findings)
    _judge_touches(world, findings)
    return findings


def journal(world: "World", number: int) -> list[JournalEntry]:
    """Return the journal of a partition."""
    log = world.broker.logs[world.setting.streams.journal, number]
    return [msgspec.json.decode(said[1] or b"", type=JournalEntry) for _, said in log.committed()]


def _judge_journal(
    world: "World", number: int, steps: list[tuple[str, int, int]], findings: Findings
) -> None:
    """Ask whether every record was taken once, in order, and no tick came too early."""
    logs = world.broker.logs
    at = {topic: logs[topic, number].begin for topic in world.setting.sources}
    for name, start, end in steps:
        if name in at:
            if _is_hole(logs[name, number], at[name], start):
                findings.append(f"journal[{number}]: {name} applied to {at[name]}, then {start}")
            at[name] = end
        elif name == TICK:
            read_s = world.read_the_clock_s(start)
            late = {
                topic: (offset, arrived)
                for topic, offset in at.items()
                if (arrived := logs[topic, number].decided_end_at(read_s)) > offset
            }
            if late:
                findings.append(f"journal[{number}]: tick {start} before {late}")
    for topic, offset in at.items():
        if _is_hole(logs[topic, number], offset, logs[topic, number].end):
            findings.append(f"journal[{number}]: {topic} ends at {offset}")
    is_by_file_alone = not world.is_live and len(world.setting.outside) == 1
    if is_by_file_alone and any(name in {TICK, PRESENT} for name, *_ in steps):
        findings.append(f"journal[{number}]: the wall clock has moved something")


def _is_hole(log: Log, at: int, start: int) -> bool:
    """Whether there is a record between two offsets, or they overlap."""
    return start < at or any(at <= offset < start for offset, _ in log.committed())


def _replay(world: "World", number: int, steps: list[tuple[str, int, int]]) -> Replayed:
    setting = world.setting
    core = Partition(
        number, setting.rules[FIRST_RULES], setting.first_scorer, of=world.partitions,
        clocks=setting.clocks,
    )  # fmt: skip
    letters: Letters = Counter()
    for name, start, end in steps:
        if name == TICK:
            core.tick(start)
        elif name == PRESENT:
            core.clocks.tell(start)
        elif name.startswith(IDLE):
            core.fall_idle(name.removeprefix(IDLE))
        elif name.startswith(MODEL):
            core.use(setting.scorers[name.removeprefix(MODEL)])
        elif name.startswith(RULES):
            rules = setting.rules[name.removeprefix(RULES)]
            if rules is not core.rules:
                core.adopt(rules)
        elif name.startswith(POLICY):
            assert name == POLICY, "there is none in any world"
        elif name.startswith(CONTROL):
            _order(core, name.removeprefix(CONTROL), start, end)
        else:
            log = world.broker.logs[name, number]
            _apply(setting, core, name, log.read(start, end - start), letters)
            core.applied[name] = end
    harvest = core.take()
    return Replayed(core, harvest.outputs, harvest.keyed, letters)


def _order(core: Partition, what: str, at_ms: int, ordered_ms: int) -> None:
    """Give a partition one order more, beside those that it has taken."""
    key, _, value = what.partition("=")
    held = {
        taken.key: Directive(taken.key, taken.value, taken.at_ms, taken.ordered_ms)
        for taken in core.controls.record()
    }
    held[key] = Directive(key, value, at_ms, ordered_ms)
    core.apply([ControlSet(core.watermark_ms, tuple(held.values()))])


def _apply(
    setting: Setting, core: Partition, topic: str, columns: Columns, letters: Letters
) -> None:
    """Hand what stands between two offsets of a topic to a partition."""
    records = list(zip(columns.keys, columns.values, columns.timestamps_ms, strict=True))
    if topic == setting.streams.of_core[IDENTITY]:
        core.relate([decode_identity(*record) for record in records])  # type: ignore[misc]
        return
    inputs: list[Input] = []
    places: list[int] = []
    decoded = setting.decoders[topic].all(
        columns.keys, columns.values, columns.timestamps_ms, columns.headers
    )
    for place, signal in enumerate(decoded):
        if isinstance(signal, Rejected):
            letters[topic, columns.offsets[place], signal.reason.value] += 1
        elif not isinstance(signal, Skipped):
            found = inputs_of(signal)
            inputs += found
            places += [place] * len(found)
    arrived_ms = [columns.timestamps_ms[place] for place in places]
    clock = setting.streams.clocks.get(topic, topic)
    if inputs:
        for refused in core.apply(inputs, clock, arrived_ms):
            letters[topic, columns.offsets[places[refused.place]], refused.reason.value] += 1


def _judge_state(world: "World", number: int, run: Replayed, findings: Findings) -> None:
    content = world.broker.logs[world.setting.settings.topic_users_changelog, number].content()
    lived = {key.decode(): value for key, value in content.items() if not key.startswith(OURS)}
    replayed = dict(run.core.values())
    for user in sorted(lived.keys() | replayed.keys()):
        findings.demand(f"state[{number}] of {user}", lived.get(user), replayed.get(user))
    if PARTITION_KEY not in content:
        findings.demand(f"record[{number}]", {}, run.core.applied)
        return
    record = msgspec.json.decode(content[PARTITION_KEY], type=PartitionRecord)
    core = run.core
    for what, said, found in (
        ("watermark", record.watermark_ms, core.watermark_ms),
        ("clocks", record.clocks, core.clocks.record()),
        ("told", record.told_ms, core.clocks.told_ms),
        ("controls", record.controls, tuple(map(tuple, core.controls.record()))),
    ):
        findings.demand(f"{what}[{number}]", said, found)


def _judge_letters(world: "World", number: int, letters: Letters, findings: Findings) -> None:
    log = world.broker.logs[world.setting.streams.dead_letters, number]
    lived: Letters = Counter()
    for _, (_, _, headers, _) in log.committed():
        said = {name: value.decode() for name, value in headers}
        origin = said["__connect.errors.topic"]
        reason = said["__connect.errors.exception.class.name"]
        lived[origin, int(said["__connect.errors.offset"]), reason] += 1
    findings.demand(f"dead letters[{number}]", lived - letters, letters - lived)


def _judge_outputs(
    world: "World", stream: str, topic: str, runs: list[Replayed], findings: Findings
) -> None:
    """Compare the records of a topic, by partition and key, in order."""
    sent = any(run.keyed.get(stream) for run in runs)
    if sent:  # They come from several partitions, in any order.
        lived = Counter(_repr(said) for number in range(world.partitions)
                        for said in _records(world, topic, number))  # fmt: skip
        replayed = Counter(
            _repr(output)
            for run in runs
            for output in (*run.outputs.get(stream, ()), *run.keyed.get(stream, ()))
        )
        findings.demand(topic, sorted((lived - replayed).elements()),
                        sorted((replayed - lived).elements()))  # fmt: skip
        return
    for number, run in enumerate(runs):
        records = list(_records(world, topic, number))
        outputs = run.outputs.get(stream, [])
        if stream == EXAMPLES:
            findings.demand(f"{topic}[{number}]", _lessons(records), _lessons(outputs))
        else:
            _demand_same(f"{topic}[{number}]", _by_key(records), _by_key(outputs), findings)


def _demand_same(
    what: str, lived: dict[str, list[str]], replayed: dict[str, list[str]], findings: Findings
) -> None:
    for key in sorted(lived.keys() | replayed.keys()):
        findings.demand(f"{what} of {key}", lived.get(key, []), replayed.get(key, []))


def _records(world: "World", topic: str, number: int) -> Iterator[Output]:
    for _, said in world.broker.logs[topic, number].committed():
        yield _output(said)


def _output(said: Said) -> Output:
    return Output(said[0], said[1], said[2])


def _by_key(records: list[Output]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for record in records:
        found[(record.key or b"").decode(errors="replace")].append(_repr(record))
    return found


def _repr(record: Output) -> str:
    return f"{record.key!r} {record.value!r} {sorted(record.headers)!r}"


def _lessons(records: list[Output]) -> list[Any]:
    found = []
    for record in records:
        kind, rows = lessons_of(record)
        found += [(kind, repr(row)) for row in rows]
    return sorted(found)


def _judge_touches(world: "World", findings: Findings) -> None:
    """No touch may be asked for twice, whatever the replay says."""
    topic = world.setting.settings.topic_touches
    asked = Counter(
        message["touch_id"]
        for number in range(world.partitions)
        for record in _records(world, topic, number)
        if (message := msgspec.json.decode(record.value or b""))["type"] == "touch.requested"
    )
    world.touches = len(asked)
    twice = sorted(touch_id for touch_id, count in asked.items() if count > 1)
    if twice:
        findings.append(f"touches asked for twice: {twice}")


def _short(what: object) -> str:
    text = repr(what)
    return text if len(text) < 600 else f"{text[:300]} … {text[-280:]}"
