"""The conformance kit over a real Kafka finds fault with whom it should, and with nobody else."""

import sys
from pathlib import Path

import pytest

from winback_sender.cluster import Cluster
from winback_sender.conformance.evidence import End
from winback_sender.conformance.page import Verdict, time_line
from winback_sender.conformance.plan import Trouble
from winback_sender.conformance.series import Series, verdicts

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

EXAMPLES = Path(__file__).parents[3] / "examples/senders"
TROUBLES = (Trouble.KILL, Trouble.PROVIDER_AWAY, Trouble.REDELIVER)


def tried(kafka: str, folder: Path, command: str) -> Verdict:
    """Return what the kit says after a short run."""
    cluster = Cluster.plain(kafka)
    series = Series(command, cluster, instances=1, touches=60, length_s=5.0, troubles=TROUBLES)
    (found,) = verdicts(series, [1], folder)
    return found


def faults(found: Verdict) -> dict[str, int]:
    return {finding.kind: len(finding.faults) for finding in found.findings if finding.faults}


def test_a_naive_sender_fails_visibly(kafka: str, tmp_path: Path) -> None:
    found = faults(tried(kafka, tmp_path, f"{sys.executable} {EXAMPLES / 'naive.py'}"))

    for kind in ("sent_twice", "sent_after_revocation", "sent_after_expiry", "sent_too_early",
                 "read_uncommitted", "feedback_wrong", "dead_letters_missing"):  # fmt: skip
        assert found[kind] > 0


def test_the_python_example_conforms(kafka: str, tmp_path: Path) -> None:
    found = tried(kafka, tmp_path, f"{sys.executable} {EXAMPLES / 'python/sender.py'}")

    wrong = [
        (finding.title, fault.text, *time_line(found, fault.subject))
        for finding in found.findings
        for fault in finding.faults
    ]
    assert wrong == []
    assert len(found.outcome.evidence.calls) > 30
    assert any(life.end == End.KILLED for life in found.outcome.evidence.lives)
