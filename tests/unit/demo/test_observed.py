"""What the demo makes of the topics."""

import string
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from models.snapshot import Phase, Serving, sign
from streams.core.messages import BudgetStatus, Decision, Episode, JournalEntry, RiskChanged
from streams.core.time import DAY_MS, iso
from streams.demo.observed import Asked, Case, Observed
from streams.demo.places import Day
from streams.demo.view import Frame, Screen, WorkerState, drawn, plain
from streams.demo.wording import TEXTS
from streams.settings import Settings
from tests.unit.sender.letters import START_MS, touch
from winback_sender.contract.messages import CaseClosed, Feedback, to_json

SETTINGS = Settings()


VERDICTS = {"holdout": "withhold", "send": "send"}


def decision(case_id: str, user_id: str, at_ms: int, reason: str) -> bytes:
    return to_json(
        Decision(
            user_id=user_id,
            case_id=case_id,
            step=1,
            verdict=VERDICTS.get(reason, "refuse"),
            reason=reason,
            channel="sms",
            trigger="risk",
            probability=0.5,
            propensity=0.9,
            model_version="v",
            rules_hash="r",
            decided_at=iso(at_ms),
        )
    )


def risk(user_id: str, band: str, before: str, at_ms: int) -> bytes:
    return to_json(
        RiskChanged(
            user_id=user_id, band=band, band_before=before, probability=0.5,
            lifecycle_stage="at_risk", value_tier="low", value_net=1, acquisition_source="",
            model_version="v", changed_at=iso(at_ms),
        )
    )  # fmt: skip


def status(partition: int, used: int) -> bytes:
    return to_json(
        BudgetStatus(
            partition=partition, day="2017-03-01", used={"message": used}, share={"message": 5},
            waiting=3, threshold=0.0, is_fused=False, at=iso(START_MS),
        )
    )  # fmt: skip


EPISODE = to_json(
    Episode(
        user_id="ada", case_id="c1", playbook="p", playbook_version="1", variant="a",
        channel="sms", is_held_out=False, propensity=0.9, probability=0.5, returned=True,
        value_change=1, currency="USD", exposed_at=iso(START_MS), matured_at=iso(START_MS),
        dimensions={},
    )
)  # fmt: skip


@pytest.fixture
def observed() -> Observed:
    found = Observed(SETTINGS)
    records = [
        (SETTINGS.topic_decisions, decision("c1", "ada", START_MS, "send")),
        (SETTINGS.topic_decisions, decision("c1", "ada", START_MS + DAY_MS, "send")),
        (SETTINGS.topic_decisions, decision("c2", "bob", START_MS, "holdout")),
        (SETTINGS.topic_decisions, decision("", "eve", START_MS, "no_playbook")),
        (SETTINGS.topic_decisions, decision("c3", "kim", START_MS, "not_persuadable")),
        (SETTINGS.topic_decisions, risk("ada", "high", "calm", START_MS)),
        (SETTINGS.topic_decisions, risk("bob", "elevated", "calm", START_MS)),
        *((SETTINGS.topic_decisions, status(partition, 2)) for partition in range(4)),
        (SETTINGS.topic_decisions, EPISODE),
        (SETTINGS.topic_touches, to_json(touch("t1"))),
        (SETTINGS.topic_touches, to_json(
            CaseClosed("c1", "ada", "returned", 1, is_held_out=False, opened_at="", closed_at="")
        )),
        (SETTINGS.topic_feedback, to_json(Feedback("t1", "ada", "failed", 1, "expired"))),
        (SETTINGS.topic_journal, to_json(
            JournalEntry(0, (("user-activity", 0, 7), ("$tick", 5, 5)), 99, "v", "r")
        )),
        (SETTINGS.topic_journal, to_json(
            JournalEntry(1, (("user-activity", 2, 5), ("user-activity", 5, 6)), 42, "v", "r")
        )),
    ]  # fmt: skip
    for topic, value in records:
        found.see(topic, value, 12)
    return found


def test_cases_touches_and_answers_are_counted(observed: Observed) -> None:
    assert observed.cases == {
        "c1": Case("ada", START_MS, "risk"),
        "c2": Case("bob", START_MS, "risk"),
        "c3": Case("kim", START_MS, "risk"),
    }
    assert (observed.returned, observed.held_out) == (1, {"c2"})
    assert observed.refused == {"c3": "not_persuadable"}
    assert observed.touch_ids == {"t1": 1}
    assert observed.asked == {"t1": Asked(START_MS, "sms")}
    assert observed.answers == {"t1": "expired"}


def test_risk_and_budget_are_taken_from_the_decisions(observed: Observed) -> None:
    assert observed.spells.begins() == {"ada": [START_MS]}
    assert observed.places.newest() == Day("2017-03-01", {"message": 8}, {"message": 20}, 12)


def test_the_journal_tells_what_is_durable(observed: Observed) -> None:
    assert observed.applied_of(SETTINGS.topic_activity) == 13
    assert observed.newest_ms == 99
    assert observed.moved_ms == {0: 12, 1: 12}


def test_only_a_signed_model_is_believed(observed: Observed) -> None:
    snapshot = Serving(
        version="v",
        champion="hazard_logistic_v1",
        phase=Phase.PRIOR,
        horizon_ms=30 * DAY_MS,
        examples=0,
        metrics={"auc": 0.8, "log_loss": 0.4, "base_rate": 0.3},
    )
    observed.see(SETTINGS.topic_models, sign(snapshot, (b"somebody else's key",)), 0)
    assert observed.model.auc is None

    observed.see(SETTINGS.topic_models, sign(snapshot, SETTINGS.model_keys), 0)
    assert (observed.model.auc, observed.model.log_loss) == (0.8, 0.4)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_moment_can_be_shown_anywhere(observed: Observed, language: str, width: int) -> None:
    workers = (WorkerState("worker-1", "✝", ()), WorkerState("worker-2", "●", (0, 1, 2, 3)))
    day = observed.places.newest()
    frame = Frame(START_MS, 0.5, 13, 2, 1_500.0, 4, 1, 2, 1, 1, 1, day, observed.model, workers)

    assert plain(frame, language).startswith("2017-03-01  50%")
    assert "8/20" in plain(frame, language)
    console = Console(file=StringIO(), width=width)
    console.print(drawn(frame, ["· news"], language, width))
    shown = console.file.getvalue()
    assert "8/20" in shown
    assert max(map(cell_len, shown.splitlines())) <= width


@pytest.mark.parametrize("is_terminal", [True, False])
def test_what_is_said_is_seen_before_the_first_moment(*, is_terminal: bool) -> None:
    console = Console(file=StringIO(), width=80, force_terminal=is_terminal)
    with Screen(console, "en") as screen:
        screen.tell("jars", done=12, wanted=60)
        assert "12/60 jars" in console.file.getvalue()


def test_every_text_has_the_same_facts_in_both_languages() -> None:
    def facts(text: str) -> list[str | None]:
        return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)

    for key, text in TEXTS.items():
        assert facts(text.en) == facts(text.zh), key
