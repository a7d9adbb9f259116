"""The guide names what there is: commands, files, units, objects; it was tried by hand."""

import re
import shlex
from importlib import import_module
from typing import Any, Final

import click
import pytest

from streams.cli import COMMANDS
from tests.unit.deploy.deployed import COMPOSE, ROOT, UNITS, rendered

GUIDE: Final = (ROOT / "docs/deploy.md").read_text("utf-8")
BLOCKS: Final = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
LINES: Final = [
    line
    for block in BLOCKS
    for line in block.replace("\\\n", " ").splitlines()
    if line and not line.startswith("#")
]
INLINE: Final = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", GUIDE, flags=re.DOTALL))
OURS: Final = sorted(
    {
        found[1].strip()
        for text in (*LINES, *INLINE)
        for found in re.finditer(r"(?:^|[ (/])winback ((?:[a-z-]+)(?: [^|&;)`#<]*)?)", text)
        if found[1].split()[0] in COMMANDS
    }
)


def test_there_are_commands_to_look_at() -> None:
    assert len(LINES) > 30
    assert len(OURS) > 10


@pytest.mark.parametrize("text", OURS)
def test_a_command_of_ours_is_understood(text: str) -> None:
    words = shlex.split(text)
    module, _, name = COMMANDS[words[0]][0].partition(":")
    command: Any = getattr(import_module(module), name)
    context, rest = click.Context(click.Group("winback")), words[1:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        command, rest = command.get_command(context, rest[0]), rest[1:]
        assert command is not None, text
    command.make_context(words[0], rest, parent=context)


@pytest.mark.parametrize("line", LINES)
def test_files_of_ours_are_there(line: str) -> None:
    for path in re.findall(r"(?<![\w/.-])((?:deploy|sender)/[\w./*@-]+)", line):
        assert list(ROOT.glob(path)) or (ROOT / path).exists(), path


def test_units_are_there() -> None:
    named = {word for line in LINES if "systemctl" in line for word in line.split()
             if word.startswith("winback")}  # fmt: skip
    assert named
    for name in named:
        whole = re.sub(r"@\d+", "@", name)
        assert (UNITS / whole).exists() or (UNITS / f"{whole}.service").exists(), name


def test_objects_of_the_cluster_are_there() -> None:
    there = {(thing["kind"].lower(), thing["metadata"]["name"]) for thing in rendered("trial")}
    named = {
        (kind, name)
        for line in (*LINES, *INLINE)
        for kind, name in re.findall(r"\b(statefulset|deployment|job)[/ ](winback-[a-z]+)", line)
    }
    assert named
    assert named <= there


def test_services_of_compose_are_there() -> None:
    for line in (*LINES, *INLINE):
        found = re.search(r"docker compose (?:exec|run|logs)((?: -\S+)*) ([a-z]+)", line)
        assert found is None or found[2] in COMPOSE["services"], line


def test_secrets_of_the_guide_are_those_that_pods_ask_for() -> None:
    (keys,) = re.findall(r"create secret generic winback-keys(.*?)\nkubectl", GUIDE, re.DOTALL)
    assert re.findall(r"--from-literal=([a-z-]+)=", keys) == ["id-key", "model-key", "web-token"]
    text = str(rendered("production"))
    for name in set(re.findall(r"'name': '(winback-kafka-[a-z]+)', 'optional'", text)):
        role = name.removeprefix("winback-kafka-")
        assert role == "ca" or f"`-{role}`" in GUIDE or f"`{name}`" in GUIDE
