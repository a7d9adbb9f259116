"""Secrets that take turns: how they are written, what is refused, and what is said of them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from streams.cli import winback
from streams.commands.run import _loaded
from streams.core.ids import key_id
from streams.errors import UserError
from streams.own_keys import demand_own_keys
from streams.rule_files import ids_of, load_rules
from streams.settings import Settings, load_settings
from winback_sender.cluster import Cluster
from winback_sender.http.guard import Guard
from winback_sender.keys import DEVELOPMENT_KEY, FormerKey, KeyRing, accepted, derived, ring_of

A, B, C = "a" * 16, "b" * 16, "c=,d" * 4
secret_texts = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters=","), min_size=16, max_size=40
)


@given(st.lists(secret_texts, min_size=1, max_size=5, unique=True))
def test_former_keys_are_read_as_they_are_written(secrets: list[str]) -> None:
    newest, *before = secrets
    instants = [f"20{20 + number}-01-01T00:00Z" for number in range(len(before))]
    for border in (",", "\n", ", ", ",\n"):
        text = border.join(f"{at}={key}" for at, key in zip(instants, before, strict=True))
        ring = ring_of(newest, text, "X")
        assert [key.secret for key in ring.former] == before
        assert ring.newest == newest
        assert ids_of(ring).key_at(0) == derived(secrets[1] if before else newest)
        assert ids_of(ring).key_at(float("inf")) == derived(newest)


def test_a_secret_may_have_commas_and_signs_in_it() -> None:
    ring = ring_of(A, f"2026-01-01T00:00Z={C},2026-02-01T08:00+08:00={B}", "X")
    assert [key.secret for key in ring.former] == [C, B]
    assert ring.secrets_before == (B, C)
    assert ring.alone == KeyRing(A)


@pytest.mark.parametrize(
    ("before", "says"),
    [
        (A, "key 1 begins with no instant"),
        (f"2026-01-01T00:00={B}", "key 1 begins with no instant and zone"),
        (f"2026-01-01={B}", "key 1 begins with no instant and zone"),
        ("2026-01-01T00:00Z=short", "key 1 has a secret below 16 characters"),
        (f"2026-02-01T00:00Z={B},2026-01-01T00:00Z={C}", "key 2 is not later"),
        (f"2026-01-01T00:00Z={A}", "a secret twice, or the one in force"),
        (f"2026-01-01T00:00Z={B},2026-02-01T00:00Z={B}", "a secret twice"),
    ],
)
def test_former_keys_that_cannot_be_are_refused_and_not_shown(before: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as refused:
        load_settings({"WINBACK_ID_KEY": A, "WINBACK_ID_KEYS_BEFORE": before})
    assert "WINBACK_ID_KEYS_BEFORE" in refused.value.message
    assert not any(key in refused.value.message + refused.value.hint for key in (A, B, C))


def test_keys_may_stand_in_files(tmp_path: Path) -> None:
    path = tmp_path / "before"
    path.write_text(f"2026-01-01T00:00Z={B}\n2026-02-01T00:00Z={C}\n", "utf-8")
    settings = load_settings({"WINBACK_ID_KEYS_BEFORE_FILE": str(path)})
    assert [key.secret for key in settings.id_keys.former] == [B, C]


def test_signatures_of_several_keys_are_accepted_and_one_signs() -> None:
    assert accepted(A, f"{B}, {A}\n", "X") == (A.encode(), B.encode())
    with pytest.raises(UserError, match="WINBACK_MODEL_KEYS_ACCEPTED: key 2 is below 16"):
        load_settings({"WINBACK_MODEL_KEYS_ACCEPTED": f"{B},short"})


@pytest.mark.parametrize(
    ("settings", "servers", "is_refused"),
    [
        (Settings(), "127.0.0.1:9092,localhost:9092,[::1]:9092", False),
        (Settings(), "127.0.0.1:9092,kafka:9092", True),
        (Settings(id_key=A), "kafka:9092", True),
        (Settings(model_key=A), "kafka:9092", True),
        (Settings(id_key=A, model_key=B), "kafka:9092", False),
        (Settings(id_key=A, model_key=B, model_keys_accepted=DEVELOPMENT_KEY), "kafka:9092", True),
    ],
)
def test_nobody_is_contacted_with_the_key_that_everybody_has(
    settings: Settings, servers: str, *, is_refused: bool
) -> None:
    """But with the Kafka of this machine: the demo, and tests."""
    if is_refused:
        with pytest.raises(UserError, match="development key"):
            demand_own_keys(settings, Cluster.at(servers))
    else:
        demand_own_keys(settings, Cluster.at(servers))


def test_rules_that_become_live_under_a_running_worker_want_keys_of_our_own_as_well(
    tmp_path: Path,
) -> None:
    rules = tmp_path / "rules.yaml"
    settings, cluster = Settings(rules=str(rules)), Cluster.at("kafka:9092")
    rules.write_text("mode: observe\n", encoding="utf-8")
    assert _loaded(settings, cluster).rules.mode == "observe"
    rules.write_text("mode: live\n", encoding="utf-8")
    with pytest.raises(UserError, match="development key"):
        _loaded(settings, cluster)


@pytest.mark.parametrize(
    ("url", "is_refused"),
    [
        ("http://registry:8081", True), ("http://10.0.0.7", True),
        ("https://registry:8081", False), ("http://127.0.0.1:8081", False),
        ("http://[::1]:8081", False), ("", False),
    ],
)  # fmt: skip
def test_no_password_goes_to_another_machine_in_plain_text(url: str, *, is_refused: bool) -> None:
    stated = {"WINBACK_SCHEMA_REGISTRY_URL": url, "WINBACK_SCHEMA_REGISTRY_AUTH": "ada:hush-hush"}
    if is_refused:
        with pytest.raises(UserError, match="AUTH would travel in plain text") as refused:
            load_settings(stated)
        assert "hush" not in str(refused.value)
    else:
        assert load_settings(stated).schema_registry_url == url
    assert load_settings({"WINBACK_SCHEMA_REGISTRY_URL": url}).schema_registry_url == url


def test_no_secret_stands_in_a_repr() -> None:
    ring = KeyRing(A, (FormerKey(5, B),))
    ids = ids_of(ring)
    shown = f"{ring!r} {ids!r} {load_rules('', ring)!r} {Guard(C)!r}"
    for secret in (A, B, C, *(repr(key)[2:12] for key in ids.keys)):
        assert secret not in shown
    assert key_id(ids.key) in shown, "keys are spoken of by their ids"


def test_a_new_key_is_long_and_another_one_each_time() -> None:
    made = {CliRunner().invoke(winback, ["keys", "new"]).output.strip() for _ in range(20)}
    assert len(made) == 20
    assert all(len(key) >= 40 and load_settings({"WINBACK_ID_KEY": key}) for key in made)


def test_keys_are_spoken_of_by_their_ids() -> None:
    environ = {
        "WINBACK_ID_KEY": A,
        "WINBACK_ID_KEYS_BEFORE": f"2026-01-01T00:00Z={DEVELOPMENT_KEY}",
        "WINBACK_MODEL_KEY": B,
        "WINBACK_MODEL_KEYS_ACCEPTED": "d" * 16,
    }
    said = CliRunner(env=environ).invoke(winback, ["keys", "check", "--json"])
    facts = json.loads(said.output)
    assert said.exit_code == 0
    assert [key["said"] for key in facts["keys"]] == [
        "in force until 2026-01-01T00:00:00.000Z",
        "in force from 2026-01-01T00:00:00.000Z on",
        "signs",
        "is accepted",
    ]
    assert facts["keys"][1]["id"] == key_id(derived(A))
    assert not any(secret in said.output for secret in (A, B, DEVELOPMENT_KEY))
    plain = CliRunner(env=dict.fromkeys(environ, "")).invoke(
        winback, ["keys", "check"], standalone_mode=False
    )
    assert plain.return_value == 1
    assert plain.output.count("EVERYBODY HAS IT") == 2
