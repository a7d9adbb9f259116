"""Compose, Kubernetes and systemd start the same roles, with settings that exist, and agree."""

import math
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest

from streams.capacity.measured import Costs
from streams.cli import COMMANDS
from streams.runtime.worker import STOP_PATIENCE_S
from streams.settings import Settings, load_settings
from tests.unit.deploy.deployed import Workload, workloads
from winback_sender.settings import SenderSettings, load_sender_settings
from winback_sender.stop import EXIT_WITHIN_S

ALL = workloads()
LASTING = [load for load in ALL if load.role in {"pipeline", "learner", "router", "sender"}]
PLANNED = [load for load in LASTING if load.role == "pipeline" and load.place != "systemd"]
"""Workers of whom it is said how many there are; units are started by hand, on as many machines."""
PLACES = sorted({load.place for load in ALL})
WRITING_S = 12.0
"""What a worker of 5 million users takes to write its state files when it stops (ADR 47)."""


def named(load: Workload) -> str:
    return f"{load.place}-{load.name}"


def read(load: Workload, tmp_path: Path) -> tuple[Settings, SenderSettings]:
    """Return the settings of a process; a secret lies where a file is named."""
    secret = tmp_path / "secret"
    secret.write_text("a-secret-of-this-deployment\n")
    environ = {
        key: str(secret) if key.endswith("_FILE") else text for key, text in load.environ.items()
    }
    return load_settings(environ), load_sender_settings(environ)[1]


@pytest.mark.parametrize("place", PLACES)
def test_every_role_is_started(place: str) -> None:
    """A unit would make topics on each of the hosts, so there they are made by hand."""
    roles = {load.role for load in ALL if load.place == place}
    by_hand = {"topics"} if place == "systemd" else set()
    assert roles == {"pipeline", "learner", "sender", "topics", "erase"} - by_hand


@pytest.mark.parametrize("load", ALL, ids=named)
def test_settings_exist_and_secrets_are_files(load: Workload, tmp_path: Path) -> None:
    settings, _ = read(load, tmp_path)
    assert settings.kafka_bootstrap
    assert not settings.has_development_key
    assert settings.web_token
    plain = {key for key in load.environ if key.endswith(("_KEY", "_TOKEN", "_PASSWORD"))}
    assert not plain, "a secret stands in the environment"


@pytest.mark.parametrize("load", ALL, ids=named)
def test_a_command_line_is_understood(load: Workload) -> None:
    module, _, name = COMMANDS[load.args[0]][0].partition(":")
    command: Any = getattr(import_module(module), name)
    rest = list(load.args[1:])
    context = click.Context(click.Group("winback"))
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        command, rest = command.get_command(context, rest[0]), rest[1:]
        assert command is not None, load.args
    command.make_context(load.args[0], rest, parent=context)


@pytest.mark.parametrize("load", LASTING, ids=named)
def test_ports_are_those_of_the_settings(load: Workload, tmp_path: Path) -> None:
    settings, sender = read(load, tmp_path)
    port = sender.web_port if load.role == "sender" else settings.web_port
    assert load.ports <= {port}
    assert load.ports or load.role == "sender", "nobody can be asked how it is"


@pytest.mark.parametrize("load", LASTING, ids=named)
def test_who_is_scraped_from_elsewhere_listens_there(load: Workload, tmp_path: Path) -> None:
    settings, sender = read(load, tmp_path)
    host = sender.web_host if load.role == "sender" else settings.web_host
    assert host == ("127.0.0.1" if load.place == "systemd" else "0.0.0.0")


@pytest.mark.parametrize("load", LASTING, ids=named)
def test_there_is_time_to_end_in_order(load: Workload) -> None:
    """A killed worker loses nothing, but its partitions wait for the session's time-out."""
    needed_s = {
        "pipeline": STOP_PATIENCE_S + WRITING_S, "learner": STOP_PATIENCE_S,
        "router": STOP_PATIENCE_S, "sender": EXIT_WITHIN_S,
    }  # fmt: skip
    assert load.grace_s is not None
    assert load.grace_s > needed_s[load.role]


@pytest.mark.parametrize("load", PLANNED, ids=named)
def test_workers_have_room_when_one_of_them_is_away(load: Workload, tmp_path: Path) -> None:
    settings, _ = read(load, tmp_path)
    partitions = math.ceil(settings.partitions / (load.replicas - 1))
    costs = Costs()
    users = partitions * settings.users_max
    assert costs.process_bytes + users * costs.awake_bytes <= load.memory_bytes


def test_names_are_the_same_in_all_places(tmp_path: Path) -> None:
    """A probe, a dashboard, an ACL of one place fits the others."""
    said = [read(load, tmp_path)[0] for load in ALL]
    assert len({(each.app_id, each.topic_activity, each.topic_touches) for each in said}) == 1
