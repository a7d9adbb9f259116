"""What the pages on security say is there is there."""

import re
from itertools import chain
from pathlib import Path

import pytest

from benchmarks.prove import PROOFS
from streams.core.sensitive import SENSITIVE
from streams.runtime.topics import topics
from streams.settings import Settings
from winback_sender.settings_catalogue import catalogue

ROOT = Path(__file__).parents[3]
PAGES = {
    name: (ROOT / "docs" / f"{name}.md").read_text("utf-8")
    for name in ("security", "threat-model", "keys")
}


@pytest.mark.parametrize("name", PAGES)
def test_every_test_that_is_named_is_there(name: str) -> None:
    text = PAGES[name]
    named = set(re.findall(r"`((?:tests|streams|benchmarks)/[\w/.-]+)`", text))
    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    everything = "".join(
        path.read_text("utf-8") for path in (ROOT / "tests" / "unit").rglob("test_*.py")
    )
    functions = set(re.findall(r"`(test_\w+)`", text))
    assert [each for each in sorted(functions) if f"def {each}(" not in everything] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_command_that_is_named_is_there(name: str) -> None:
    text = PAGES[name]
    made = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    made |= {f"prove-{target}" for target in PROOFS}
    assert set(re.findall(r"`make ([\w-]+)", text)) <= made
    for module in re.findall(r"`python -m ([\w.]+)", text):
        assert (ROOT / f"{module.replace('.', '/')}.py").exists(), module


def test_every_topic_of_ours_stands_in_the_threat_model() -> None:
    people = PAGES["threat-model"].partition("## People")[2]
    for topic in topics(Settings()):
        name = "changelog of `users`" if topic.name.endswith("-changelog") else f"`{topic.name}`"
        assert f"| {name} |" in people, topic.name


def test_every_secret_is_spoken_of() -> None:
    text = "".join(chain(PAGES.values(), [(ROOT / "docs" / "settings.md").read_text("utf-8")]))
    for entry in catalogue(Settings):
        if entry.is_secret:
            assert entry.variable in text
    for word in ("WINBACK_ID_KEY", "WINBACK_MODEL_KEY", "WINBACK_WEB_TOKEN"):
        assert f"| `{word}` |" in PAGES["keys"]


def test_what_the_law_protects_most_is_named() -> None:
    people = PAGES["threat-model"].partition("## People")[2]
    for kind in ("biometrics", "religion", "special identity", "health", "minors"):
        assert kind in people
        assert kind in SENSITIVE
