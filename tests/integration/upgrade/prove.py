"""Two versions in turn and side by side, on a real Kafka: the older one reads nothing newer.

    python -m tests.integration.upgrade.prove

The older version is the commit that wrote the newest golden set before this version, in a work tree
of its own. Takes a minute; prints what happened, and exits with 1 where it did not.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import figures
from streams.core.versions import LAYOUT, WINBACK
from streams.runtime.embedded.fixture import EmbeddedKafka
from tests.golden.stored import read, versions
from tests.integration.upgrade.deployment import ROOT, Stage, Worker

SESSION = {"WINBACK_SESSION_TIMEOUT_S": "6"}


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Proof:
    """What happened, and whether it is what was promised."""

    def __init__(self) -> None:
        self.wrong = 0

    def demand(self, what: str, *, holds: bool, found: object = "") -> None:
        self.wrong += not holds
        say(f"  {'ok   ' if holds else 'WRONG'} {what}{'' if holds else f': {found}'}")


def main() -> int:
    golden = read([name for name in versions() if name != WINBACK][-1])
    say(f"{golden.understood.version} ({golden.understood.commit[:12]}) and {WINBACK}")
    with tempfile.TemporaryDirectory(prefix="winback-upgrade-") as folder:
        old = Path(folder) / "old"
        subprocess.run(["git", "worktree", "add", "--detach", str(old), golden.understood.commit],
                       cwd=ROOT, check=True, capture_output=True)  # fmt: skip
        try:
            with EmbeddedKafka() as kafka:
                proof = proven(Stage(kafka.bootstrap, golden, Path(folder)), old)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(old)], cwd=ROOT, check=True)
    figures.record("upgrade_wrong", proof.wrong)
    return 1 if proof.wrong else 0


def proven(stage: Stage, old: Path) -> Proof:
    proof = Proof()
    stage.set()

    say("the older version, alone, on what it wrote")
    first = Worker(stage, "pipeline", root=old, **SESSION)
    first.wait_for("partitions_owned", 120)
    layout = stage.record(0)["layout"]

    say("a newer worker beside it")
    second = Worker(stage, "pipeline", **SESSION)
    second.wait_for("partitions_owned", 120)
    stage.go_on()
    stage.wait_until_read()
    layouts = sorted(str(stage.record(number)["layout"]) for number in (0, 1))
    proof.demand("each has brought what it owns into its own form", found=layouts,
                 holds=layouts == sorted([LAYOUT, layout]))  # fmt: skip

    say("the newer one goes, and the older one gets its partition")
    second.stop()
    new = next(n for n in (0, 1) if stage.record(n)["layout"] == LAYOUT)
    before = stage.changelog(new)
    ended = wait(lambda: first.process.poll() is not None)
    proof.demand("the older one stops", holds=ended)
    first.stop()
    proof.demand("it says which version has written what it does not read",
                 holds=f"layout of the state {LAYOUT}" in first.said(),
                 found=first.said()[-600:])  # fmt: skip
    proof.demand("it has written nothing there", holds=stage.changelog(new) == before)

    say("the newer one, alone")
    third = Worker(stage, "pipeline", **SESSION)
    third.wait_for("partitions_owned", 120)
    stage.go_on(60)
    proof.demand("brings up what is left", holds=wait(
        lambda: all(stage.record(number)["layout"] == LAYOUT for number in (0, 1))
    ))  # fmt: skip
    proof.demand("stops in peace", holds=third.stop() == 0, found=third.said()[-600:])

    say("back to the older one")
    contents = [stage.changelog(number) for number in (0, 1)]
    last = Worker(stage, "pipeline", root=old, **SESSION)
    proof.demand("it refuses at once", holds=wait(lambda: last.process.poll() is not None))
    proof.demand("and says why", holds=LAYOUT in last.said(), found=last.said()[-600:])
    last.stop()
    same = [stage.changelog(number) for number in (0, 1)] == contents
    proof.demand("it has written nothing", holds=same)

    say("a learner of this version, then one of the older")
    for root in (ROOT, old):
        learner = Worker(stage, "learner", root=root, **SESSION)
        learner.wait_for("model_restored", 120)
        proof.demand(f"{'this' if root == ROOT else 'the older'} one goes on from the models",
                     holds=learner.stop() == 0, found=learner.said()[-600:])  # fmt: skip
    return proof


def wait(is_there: Callable[[], bool], patience_s: float = 60) -> bool:
    end = time.monotonic() + patience_s
    while not is_there():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


if __name__ == "__main__":
    raise SystemExit(main())
