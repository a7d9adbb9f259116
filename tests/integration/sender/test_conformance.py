"""The conformance kit over a real Kafka finds fault with whom it should, and with nobody else."""

import secrets
import sys
from pathlib import Path

import pytest

from winback_sender.conformance.driver import run
from winback_sender.conformance.order import Order
from winback_sender.conformance.page import Verdict, verdict
from winback_sender.conformance.plan import Trouble, plan
from winback_sender.conformance.stands import STANDS

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

EXAMPLES = Path(__file__).parents[3] / "examples/senders"
TROUBLES = (Trouble.KILL, Trouble.PROVIDER_AWAY, Trouble.REDELIVER)


def tried(kafka: str, folder: Path, command: str, provider: str = "postbox") -> Verdict:
    """Return what the kit says after a short run."""
    token = secrets.randbits(32)
    planned = plan(1, 60, 5.0, TROUBLES, run=token)
    order = Order(command, kafka, None, f"conformance-{token:08x}", planned, STANDS[provider], 1,
                  folder)  # fmt: skip
    return verdict(1, run(order, lambda _: None, lambda _: None))


def faults(found: Verdict) -> dict[str, int]:
    return {finding.kind: len(finding.faults) for finding in found.findings if finding.faults}


def test_a_naive_sender_fails_visibly(kafka: str, tmp_path: Path) -> None:
    found = faults(tried(kafka, tmp_path, f"{sys.executable} {EXAMPLES / 'naive.py'}"))

    for kind in ("sent_twice", "sent_after_revocation", "sent_after_expiry", "sent_too_early",
                 "read_uncommitted", "feedback_wrong", "dead_letters_missing"):  # fmt: skip
        assert found[kind] > 0
