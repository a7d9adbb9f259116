"""What the compose file says is done, line by line, here: it starts, answers and ends."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest

from streams.runtime.embedded.jars import ensure_jars
from streams.runtime.embedded.java import find_java
from streams.settings import Settings
from tests.unit.deploy.deployed import COMPOSE, compose, plain

pytestmark = pytest.mark.kafka

SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
LOADS: Final = {load.name: load for load in compose()}
TOPICS: Final = [name for name in Settings.__struct_fields__ if name.startswith("topic_")]
PATIENCE_S: Final = 60.0
LOG4J2: Final = """
Configuration:
  Properties: {Property: [{name: a, value: b}]}
  Appenders: {Console: {name: STDOUT, PatternLayout: {pattern: "%m%n"}}}
  Loggers: {Root: {level: WARN, AppenderRef: [{ref: STDOUT}]}, Logger: []}
"""


class Place:
    """This machine in the place of the containers: their paths lie below a directory."""

    def __init__(self, directory: Path, bootstrap: str) -> None:
        self._directory, self._name = directory, f"deploy-{uuid4().hex[:8]}"
        self.keys = directory / "run/winback"
        self.keys.mkdir(parents=True)
        own = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environ = {
            key: text for key, text in os.environ.items() if not key.startswith("WINBACK_")
        } | {"PATH": own}
        self._other = {
            "WINBACK_KAFKA_BOOTSTRAP": bootstrap,
            "WINBACK_APP_ID": self._name,
            "WINBACK_DATA_DIR": str(directory / "state"),
            "WINBACK_SENDER_STATE": str(directory / "journal"),
            **{f"WINBACK_{name.upper()}": f"{self._name}-{name}" for name in TOPICS},
        }

    def here(self, text: str) -> str:
        """Return a text with paths of a container as they are on this machine."""
        return text.replace("/run/winback", str(self.keys))

    def settings(self, name: str, port: int = 0) -> dict[str, str]:
        """Return the environment of a service, on Kafka and ports of the test."""
        stated = {key: self.here(plain(text))
                  for key, text in SERVICES[name]["environment"].items()}  # fmt: skip
        ports = {"WINBACK_WEB_PORT": str(port), "WINBACK_SENDER_WEB_PORT": str(port)}
        return self.environ | stated | self._other | ports

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a service that comes to an end."""
        return subprocess.run(
            ["winback", *LOADS[name].args], env=self.settings(name), capture_output=True, text=True,
            check=False, timeout=PATIENCE_S,
        )  # fmt: skip

    @contextmanager
    def running(self, name: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
        """Run a service that goes on."""
        words = self._directory / f"{name}.log"
        with words.open("wb") as out:
            process = subprocess.Popen(
                ["winback", *LOADS[name].args],
                env=self.settings(name, port),
                stdout=out,
                stderr=out,
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def said(self, name: str) -> str:
        """Return what a service has said."""
        return (self._directory / f"{name}.log").read_text("utf-8")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def make_keys(place: Place) -> dict[str, str]:
    (script,) = SERVICES["keys"]["command"]
    subprocess.run(
        [*SERVICES["keys"]["entrypoint"], place.here(script.replace("$$", "$"))],
        env=place.environ, check=True,
    )  # fmt: skip
    return {path.name: path.read_text() for path in place.keys.iterdir()}


def probe(name: str, port: int, place: Place) -> bool:
    """Do what the engine does to find out whether a container is well."""
    _, *words = SERVICES[name]["healthcheck"]["test"]
    asked = [re.sub(r"(127\.0\.0\.1):\d+", rf"\1:{port}", word) for word in words]
    done = subprocess.run(asked, env=place.environ, capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_all_that_runs_beside_kafka_starts_is_well_and_ends_in_order(
    kafka: str, tmp_path: Path
) -> None:
    place = Place(tmp_path, kafka)
    keys = make_keys(place)
    assert make_keys(place) == keys, "a second start has other keys"
    assert len(set(keys.values())) == 3
    assert {path.name: oct(path.stat().st_mode)[-3:] for path in place.keys.iterdir()} == {
        "id-key": "600", "model-key": "600", "web-token": "444",
    }  # fmt: skip
    made = place.run("topics")
    assert made.returncode == 0, made.stderr
    with ExitStack() as stack:
        lasting = {name: free_port() for name in ("worker", "learner", "sender")}
        processes = {
            name: stack.enter_context(place.running(name, port)) for name, port in lasting.items()
        }
        deadline = time.monotonic() + PATIENCE_S
        for name, port in lasting.items():
            while not probe(name, port, place):
                assert processes[name].poll() is None, place.said(name)
                assert time.monotonic() < deadline, place.said(name)
        for port in lasting.values():
            scraped = Request(f"http://127.0.0.1:{port}/metrics")
            with pytest.raises(HTTPError, match="401"):
                urlopen(scraped)
            scraped.add_header("Authorization", f"Bearer {keys['web-token'].strip()}")
            assert b"winback" in urlopen(scraped).read()
        swept = place.run("sweep")
        assert swept.returncode == 0, swept.stderr
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
        for name, process in processes.items():
            assert process.wait(LOADS[name].grace_s) == 0, place.said(name)


def test_kafkas_image_understands_its_environment(tmp_path: Path) -> None:
    """By the very class that the image starts, which is a part of Kafka's jars."""
    names = {"shipped": "server.properties", "mounted": "", "made": ""}
    for folder in names:
        (tmp_path / folder).mkdir()
    (tmp_path / "shipped/server.properties").touch()
    for name in ("log4j2.yaml", "tools-log4j2.yaml"):
        (tmp_path / "shipped" / name).write_text(LOG4J2)
    stated = {key: str(text) for key, text in SERVICES["kafka"]["environment"].items()}
    jars = os.pathsep.join(map(str, ensure_jars(os.environ)))
    done = subprocess.run(
        [
            str(find_java(os.environ).path), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
            "-cp", jars, "kafka.docker.KafkaDockerWrapper", "setup", "--default-configs-dir",
            "shipped", "--mounted-configs-dir", "mounted", "--final-configs-dir", "made",
        ],
        env={"PATH": os.environ["PATH"], **stated, "KAFKA_LOG_DIRS": str(tmp_path / "data")},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "data/meta.properties").read_text().count(stated["CLUSTER_ID"]) == 1
    made = (tmp_path / "made/server.properties").read_text()
    assert f"advertised.listeners={stated['KAFKA_ADVERTISED_LISTENERS']}\n" in made
    # Nothing else is written to, and of the image's root nothing can be.
    written = {line.partition(":")[0] for line in SERVICES["kafka"]["tmpfs"]}
    assert "/opt/kafka/config" in written
