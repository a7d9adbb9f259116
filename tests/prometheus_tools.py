"""Prometheus as Debian has it: promtool and the server, installed or got by `make prometheus`."""

import json
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

ROOT = Path(__file__).parents[1]
FETCHED = ROOT / "build/prometheus/usr/bin"


def tool(name: str) -> str:
    """Return the path of a program: ``promtool`` or ``prometheus``.

    Raises:
        FileNotFoundError: It is not there; says how to get it.
    """
    found = shutil.which(name) or shutil.which(name, path=str(FETCHED))
    if found is None:
        raise FileNotFoundError(
            f"{name} is not installed: run `make prometheus`, or apt-get install prometheus "
            "(elsewhere: the archive from prometheus.io, with its programs on the PATH)"
        )
    return found


class Prometheus:
    """A server of its own.

    Args:
        folder: Where it keeps what it has scraped, and its log.
        targets: Port to role.
        rules: Its rules.
        every: From scrape to scrape.
    """

    def __init__(
        self, folder: Path, targets: dict[int, str], rules: Path, *, every: str = "1s"
    ) -> None:
        self._folder, self._targets, self._rules = folder, targets, rules
        self._every = every
        self._url = ""

    def __enter__(self) -> Self:
        program, port = tool("prometheus"), free_port()
        settings = {
            "global": dict.fromkeys(
                ("scrape_interval", "scrape_timeout", "evaluation_interval"), self._every
            ),
            "rule_files": [str(self._rules)],
            "scrape_configs": [{
                "job_name": "winback",
                "static_configs": [
                    {"targets": [f"127.0.0.1:{number}"], "labels": {"role": role}}
                    for number, role in self._targets.items()
                ],
            }],
        }  # fmt: skip
        file = self._folder / "prometheus.yml"
        file.write_text(yaml.safe_dump(settings), encoding="utf-8")
        with (self._folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [program, f"--config.file={file}", f"--storage.tsdb.path={self._folder / 'tsdb'}",
                 f"--web.listen-address=127.0.0.1:{port}", "--enable-feature=exemplar-storage"],
                stdout=log, stderr=log,
            )  # fmt: skip
        self._url = f"http://127.0.0.1:{port}/api/v1/"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def ask(self, page: str, **words: str) -> Any:
        """Return what a page of its interface says.

        Raises:
            AssertionError: It refuses; says why.
            OSError: It does not answer yet.
        """
        url = f"{self._url}{page}?{urlencode(words)}"
        try:
            with urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except HTTPError as error:
            raise AssertionError(f"{words}: {error.read().decode()}") from error

    def values(self, expr: str) -> list[float]:
        """Return the values of a query of now."""
        return [float(one["value"][1]) for one in self.ask("query", query=expr)["result"]]


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
