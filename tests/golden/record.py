"""``python -m tests.golden.record``: put on record what the present version writes.

Once a version is released, with a tag or not, its set is what is out there: it is never written
again. A later version gets a set of its own.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec

from streams.core.messages import PartitionRecord
from streams.core.partition_record import OURS, PARTITION_KEY
from streams.core.state import decode
from streams.runtime.routed_record import LaneRecord
from streams.settings import Settings
from tests.golden.deployment import ROUTER_CHANGELOG, SETTINGS, Deployment
from tests.golden.meaning import meaning_of
from tests.golden.stored import HERE, Given, Golden, Understood, Written, write
from tests.golden.stories import history, word_of_sender
from winback_sender.contract.words import Status
from winback_sender.engine.journal import Journal
from winback_sender.engine.journal_rows import COLUMNS, Intent, Word
from winback_sender.receipt import Receipt

OUT: Final = {"topic_touches": 14, "topic_decisions": 14, "topic_journal": 10,
              "topic_dead_letters": 9, "topic_identity": 9, "topic_examples": 3}  # fmt: skip
"""How many records of each topic that keeps all of them are put on record."""


def recorded(path: Path, version: str, commit: str) -> Golden:
    """Let history happen, with a stand-in for the sender, and return the set."""
    rules = path / "rules.yaml"
    deployment, given = Deployment(rules), []
    queue, stored, states = history(), [], {}
    before: list[Written] = []
    records: list[dict[str, Any]] = []
    learner, router = {}, {}
    while queue:
        each = queue.pop(0)
        if each.half == 2 and not stored:
            deployment.settle()
            stored, before = deployment.stored(), list(deployment.written)
            states = meanings(deployment)
            records = partition_records(deployment)
            learner, router = learned(deployment), routed(deployment)
        given.append(each)
        queue[:0] = answers(deployment.give(each), each)
    after = deployment.written[len(before) :]
    kept = [record for topic, count in OUT.items() for record in few(before, topic, count)]
    understood = Understood(
        version=version, commit=commit, rules_hash=deployment.rules.hash, states=states,
        records=records, learner=learner, router=router, journal=[],
        touches=told(after, SETTINGS.topic_touches),
        decisions=told(after, SETTINGS.topic_decisions), ends=meanings(deployment),
    )  # fmt: skip
    sql, entries = sender_journal()
    understood.journal = entries
    return Golden(path, rules, given, [*stored, *kept], understood, sql)


def answers(written: list[Written], each: Given) -> list[Given]:
    """Return what the sender says of the touches that were just written."""
    said = []
    for record in written:
        message = (
            msgspec.json.decode(record.value) if record.topic == SETTINGS.topic_touches else {}
        )
        if message.get("type") == "touch.requested":
            said += word_of_sender(
                message["touch_id"], message["user_id"], each.at_ms, half=each.half
            )
    return said


def few(written: list[Written], setting: str, count: int) -> list[Written]:
    """Return some records of a topic, from first to last."""
    found = [record for record in written if record.topic == getattr(Settings(), setting)]
    return found[:: max(1, -(-len(found) // count))]


def told(written: list[Written], topic: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(record.value) for record in written if record.topic == topic]


def meanings(deployment: Deployment) -> dict[str, dict[str, Any]]:
    return {
        key.decode(): meaning_of(decode(value))
        for (topic, _), content in deployment.changelogs.items()
        if topic == SETTINGS.topic_users_changelog
        for key, value in sorted(content.items())
        if not key.startswith(OURS)
    }


def partition_records(deployment: Deployment) -> list[dict[str, Any]]:
    contents = [deployment.changelogs[SETTINGS.topic_users_changelog, n] for n in (0, 1)]
    found = (msgspec.json.decode(each[PARTITION_KEY], type=PartitionRecord) for each in contents)
    return [msgspec.to_builtins(record, str_keys=True) for record in found]


def learned(deployment: Deployment) -> dict[str, Any]:
    roster = deployment.learner.roster
    return {"champion": roster.champion, "examples": roster.examples, "phase": roster.phase.value,
            "episodes": deployment.learner.policy.episodes}  # fmt: skip


def routed(deployment: Deployment) -> dict[str, int]:
    (value,) = deployment.changelogs[ROUTER_CHANGELOG, 0].values()
    found: dict[str, int] = msgspec.to_builtins(msgspec.json.decode(value, type=LaneRecord))
    return found


def sender_journal() -> tuple[str, list[list[Any]]]:
    """Return the file of a sender's journal as SQL, and its entries."""
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "j.sqlite", "k") as kept:
        kept.begin([Intent(f"t{n}", f"user-{n}", "sms", "postbox", n, 9 + n) for n in range(6)])
        kept.settle([
            Word("t1", Receipt(Status.SENT, ref="ref-1", address="+8613800000001"), 11, ask_ms=50),
            Word("t2", Receipt(Status.DELIVERED), 12),
            Word("t3", Receipt(Status.FAILED, "hard", "no_address"), 13),
        ])  # fmt: skip
        kept.reported([("t2", "delivered")])
        kept.revoke(["t4", "t9"], 14)
        kept.postpone(["t5"])
        kept.scrub("user-3", "t3")
        sure = kept.file.sure
        (user_version,) = sure.execute("PRAGMA user_version").fetchone()
        dump = [f"PRAGMA user_version = {user_version};", *sure.iterdump()]
        entries = sure.execute(f"SELECT {COLUMNS} FROM touches ORDER BY touch_id").fetchall()
    return "\n".join(dump) + "\n", [list(row) for row in entries]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=HERE, help="Where the sets of versions lie.")
    parser.add_argument("--version", help="Default: that of pyproject.toml.")
    given = parser.parse_args()
    project = (HERE.parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    version = given.version or re.findall(r'(?m)^version = "(.*)"$', project)[0]
    path: Path = given.into / version
    if path.exists():
        sys.stderr.write(
            f"{path} exists: what a version wrote is never written again\n"
            "next: raise the version in pyproject.toml, then record that one\n"
        )
        return 2
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=HERE, check=True, capture_output=True, text=True
    ).stdout.strip()
    path.mkdir(parents=True)
    try:
        shutil.copy(HERE / "rules.yaml", path)
        write(recorded(path, version, commit))
    except BaseException:
        shutil.rmtree(path)
        raise
    size = sum(file.stat().st_size for file in path.iterdir())
    sys.stdout.write(f"{path}: {size:,} B, written by {version} at {commit[:12]}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
