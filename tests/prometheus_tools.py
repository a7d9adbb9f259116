"""Prometheus as Debian has it: promtool and the server, installed or got by `make prometheus`."""

import shutil
from pathlib import Path

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
