"""Whoever is not let in is told what, where and what to do, in seconds, and no secret is said."""

import os
import subprocess
import time
from collections.abc import Mapping

import pytest

from tests.security.recorder import recording
from tests.security.world import WINBACK, World
from winback_sender.doorstep import admin_client
from winback_sender.kafka_security import cluster_of
from winback_sender.settings import load_sender_settings

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

SECONDS_MAX = 5.0
PLAIN_USER = ("plain", "p" * 20)


def settings(world: World, **changed: str) -> dict[str, str]:
    """Return the settings of the reader, some of them changed; "" takes one away."""
    found = world.environ("reader") | {f"WINBACK_KAFKA_{name}": to for name, to in changed.items()}
    return {name: text for name, text in found.items() if text}


def at(server: str, host: str) -> str:
    return f"{host}:{server.rpartition(':')[2]}"


def told(world: World, environ: Mapping[str, str]) -> str:
    """Return what a command says whose start is refused, and how it ends."""
    began = time.monotonic()
    gone = {name: "" for name in world.environ("reader") if name not in environ}
    said = world.winback("reader", "topics", "plan", **gone, **environ)
    assert time.monotonic() - began < SECONDS_MAX
    assert not [secret for secret in world.passwords.values() if secret in said.out + said.words]
    return f"{said.code}: {said.words}"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"PASSWORD": "wrong-wrong-wrong"}, "2: Kafka at {scram} refuses the user winback-reader"),
        ({"USERNAME": "nobody"}, "2: Kafka at {scram} refuses the user nobody"),
        ({"SASL_MECHANISM": "PLAIN"}, "2: Kafka at {scram} refuses the user winback-reader (PLAIN"),
        ({"CA": "{stranger}"}, "2: the certificate of the broker at {scram} is not signed by whom"),
        ({"CA": ""}, "2: the certificate of the broker at {scram} is not signed by whom we trust"),
        ({"BOOTSTRAP": "{other}"}, "2: the certificate of the broker at {other} is not for 127.0."),
        ({"BOOTSTRAP": "{expired}"}, "3: Kafka cannot be reached: {expired}: the certificate of"),
        ({"BOOTSTRAP": "{plain}"}, "2: {plain} speaks plain text, but WINBACK_KAFKA_SECURITY"),
        ({"BOOTSTRAP": "{mutual}"}, "2: the broker at {mutual} wants a certificate of ours"),
        ({"SECURITY": "ssl", "USERNAME": "", "PASSWORD": ""}, "2: {scram} wants a user and a pass"),
        (
            {"SECURITY": "", "USERNAME": "", "PASSWORD": "", "CA": ""},
            "2: {scram} speaks TLS, but WINBACK_KAFKA_SECURITY is plaintext",
        ),
        (
            {"SECURITY": "ssl", "USERNAME": "", "PASSWORD": "", "BOOTSTRAP": "{mutual}",
             "CERTIFICATE": "{foreign}", "CERTIFICATE_KEY": "{foreign}"},
            "2: the broker at {mutual} refuses our certificate",
        ),
        ({"BOOTSTRAP": "localhost:1"}, "3: Kafka cannot be reached: localhost:1: Connection ref"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(world: World, changed: dict[str, str], says: str) -> None:
    doors = world.kafka.doors
    words = {
        "scram": doors.scram, "mutual": doors.mutual, "expired": doors.expired,
        "plain": world.kafka.bootstrap, "other": at(doors.scram, "127.0.0.1"),
        "stranger": str(doors.stranger.ca), "foreign": str(doors.stranger.issue("foreign").both),
    }  # fmt: skip
    stated = {name: text.format(**words) for name, text in changed.items()}
    assert told(world, settings(world, **stated)).startswith(says.format(**words))


@pytest.mark.parametrize(
    "command",
    [
        [*WINBACK, "run", "--role", "pipeline"],
        [*WINBACK, "sender", "--channel", "console"],
    ],
)  # fmt: skip
def test_a_worker_and_a_sender_end_with_two_lines(world: World, command: list[str]) -> None:
    environ = settings(world, PASSWORD="wrong-wrong-wrong")
    clean = {name: text for name, text in os.environ.items() if not name.startswith("WINBACK_")}
    done = subprocess.run(
        command, env=clean | environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "refuses the user winback-reader" in done.stderr
    assert "check WINBACK_KAFKA_USERNAME" in done.stderr
    assert "Traceback" not in done.stderr
    assert "wrong-wrong" not in done.stdout + done.stderr


def test_no_password_is_seen_on_the_wire(world: World) -> None:
    """PLAIN says the password as it is: nothing but TLS hides it."""
    user, password = PLAIN_USER
    with recording(world.kafka.doors.scram) as recorder:
        environ = settings(
            world, BOOTSTRAP=f"localhost:{recorder.port}", SASL_MECHANISM="PLAIN", USERNAME=user,
            PASSWORD=password,
        )  # fmt: skip
        with admin_client(cluster_of(load_sender_settings(environ)[0])) as client:
            client.list_topics()
        assert len(recorder.seen) > 1_000
        assert password.encode() not in recorder.seen
        assert b"kafka-python" not in recorder.seen


def test_the_recorder_sees_what_is_not_hidden(world: World) -> None:
    """The counter-check: in plain text the client's name can be read."""
    with recording(world.kafka.bootstrap) as recorder:
        environ = {"WINBACK_KAFKA_BOOTSTRAP": f"localhost:{recorder.port}"}
        with admin_client(cluster_of(load_sender_settings(environ)[0])) as client:
            client.list_topics()
        assert b"kafka-python" in recorder.seen
