"""Settings: one catalogue, and faults that tell the way out."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from streams.commands.settings import settings
from streams.errors import UserError
from streams.settings import Settings, load_settings, markdown
from winback_sender.settings_catalogue import catalogue

DOCS = Path(__file__).parents[3] / "docs"


def test_an_empty_environment_gives_the_defaults() -> None:
    assert load_settings({"PATH": "/bin", "WINBACK_RULES": " "}) == Settings()


def test_text_becomes_the_type_of_the_setting() -> None:
    settings = load_settings(
        {
            "WINBACK_KAFKA_BOOTSTRAP": "a.example:9092, [::1]:9093",
            "WINBACK_PARTITIONS": "12",
            "WINBACK_COMMIT_INTERVAL_S": "0.5",
            "WINBACK_CLOCK": "event",
        }
    )
    assert settings.kafka_bootstrap == "a.example:9092, [::1]:9093"
    assert settings.partitions == 12
    assert settings.commit_interval_s == 0.5
    assert settings.clock == "event"


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("WINBACK_KAFKA_BOOTSTAP", "a:1", "did you mean WINBACK_KAFKA_BOOTSTRAP?"),
        ("WINBACK_KAFKA_BOOTSTRAP", "localhost", "host:port"),
        ("WINBACK_KAFKA_BOOTSTRAP", "a:1,", "host:port"),
        ("WINBACK_PARTITIONS", "four", "a whole number from 1 to 4096"),
        ("WINBACK_PARTITIONS", "0", "a whole number from 1 to 4096"),
        ("WINBACK_WEB_PORT", "65536", "from 0 to 65535"),
        ("WINBACK_COMMIT_INTERVAL_S", "nan", "a number from 0.01 to 10"),
        ("WINBACK_CLOCK", "moon", "one of `wall`, `event`"),
        ("WINBACK_TOPIC_TOUCHES", "win back", "a Kafka name"),
        ("WINBACK_MODEL_KEY", "short", "at least 16 characters"),
    ],
)
def test_a_fault_names_the_variable_and_what_it_must_be(
    variable: str, value: str, says: str
) -> None:
    with pytest.raises(UserError) as caught:
        load_settings({variable: value})
    assert variable in caught.value.message
    assert says in caught.value.message
    assert caught.value.exit_code == 2


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(UserError) as caught:
        load_settings({"WINBACK_WEB_PORT": "x", "WINBACK_CHUNK_MAX": "x"})
    assert "WINBACK_WEB_PORT" in caught.value.message
    assert "WINBACK_CHUNK_MAX" in caught.value.message
    with pytest.raises(UserError) as caught:
        load_settings({"WINBACK_WEB_PORT": "x", "WINBACK_CHUNKS_MAX": "1"})
    assert "WINBACK_WEB_PORT" in caught.value.message
    assert "did you mean WINBACK_CHUNK_MAX?" in caught.value.message


def test_each_value_says_where_it_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "key"
    secret.write_text("a secret of more than sixteen characters")
    monkeypatch.setenv("WINBACK_PARTITIONS", "12")
    monkeypatch.setenv("WINBACK_MODEL_KEY_FILE", str(secret))
    said = CliRunner().invoke(settings, ["--json"])
    found = msgspec.json.decode(said.output)
    assert found["WINBACK_PARTITIONS"] == {"value": 12, "default": "4", "source": "environment"}
    assert found["WINBACK_MODEL_KEY"]["source"] == f"file {secret}"
    assert found["WINBACK_CLOCK"]["source"] == "default"
    assert "a secret" not in said.output
    assert "12  (from environment; default: 4)" in CliRunner().invoke(settings, []).output


@pytest.mark.parametrize(
    ("variable", "value"),
    [("WINBACK_MODEL_KEY", "hush"), ("WINBACK_SCHEMA_REGISTRY_URL", "http://ada:hush@reg:8081")],
)
def test_a_secret_is_not_shown_in_a_complaint(variable: str, value: str) -> None:
    """Addresses stand in logs, so a password has a setting of its own."""
    with pytest.raises(UserError, match=variable) as caught:
        load_settings({variable: value})
    assert "hush" not in caught.value.message


@pytest.mark.parametrize("name", ["win-back", "winback-users-changelog"])
def test_two_topics_cannot_have_one_name(name: str) -> None:
    with pytest.raises(UserError, match="is also"):
        load_settings({"WINBACK_TOPIC_ACTIVITY": name})


def test_every_setting_has_a_meaning_and_stands_in_the_docs() -> None:
    assert [entry.field for entry in catalogue(Settings)] == list(Settings.__struct_fields__)
    assert all(entry.meaning.endswith(".") for entry in catalogue(Settings))
    assert (DOCS / "settings.md").read_text(encoding="utf-8") == markdown(), "run: make docs"
