"""The jars of Kafka: pinned in ``jars.lock`` by coordinate and SHA-256, fetched once, then cached.

The package jgo fetches them from the Maven repositories that the user has configured for it.
``python -m streams.runtime.embedded.pin`` writes the lock.
"""

import errno
import hashlib
import importlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, NamedTuple

from streams.errors import Unavailable, UserError
from streams.runtime.embedded.locks import exclusive

KAFKA_VERSION: Final = "4.1.0"
LOCK_NAME: Final = "jars.lock"

_FETCHES_AT_ONCE: Final = 8
_FETCH_TIMEOUT_S: Final = 30
_DISK_ERRORS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS)

Progress = Callable[[int, int, str], None]
"""Called with (jars done, jars wanted, name of the last one)."""


class Jar(NamedTuple):
    """One pinned jar."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def name(self) -> str:
        """File name in the cache and in any Maven repository."""
        return f"{self.artifact}-{self.version}.jar"


def pinned_jars() -> tuple[Jar, ...]:
    """Return the jars of the lock file, in the order of the class path."""
    text = files(__package__).joinpath(LOCK_NAME).read_text(encoding="utf-8")
    jars = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            coordinate, sha256 = line.split()
            group, artifact, version = coordinate.split(":")
            jars.append(Jar(group, artifact, version, sha256))
    assert jars
    return tuple(jars)


def cache_home(environ: Mapping[str, str]) -> Path:
    """Return the directory of the user's caches for winback."""
    home = environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser().absolute() / "winback"


def ensure_jars(environ: Mapping[str, str], progress: Progress | None = None) -> list[Path]:
    """Return the class path, every jar verified; fetch what the cache lacks.

    A jar reaches the cache whole and verified or not at all, so a fetch can be broken off at any
    moment and goes on from there. Two processes do not fetch at the same time.

    Raises:
        Unavailable: Jars cannot be fetched.
        UserError: A fetched jar is not the pinned one, or the cache cannot be written.
    """
    directory = cache_home(environ) / f"kafka-{KAFKA_VERSION}"
    wanted = pinned_jars()
    try:
        if _missing(wanted, directory):
            directory.mkdir(parents=True, exist_ok=True)
            with exclusive(directory / ".lock", wait_s=600.0):
                _fetch(_missing(wanted, directory), directory, progress)
    except OSError as error:
        raise UserError(
            f"the cache of jars cannot be written: {directory}: {error.strerror or error}",
            "free some space (60 MB) or set XDG_CACHE_HOME to a directory that can be written",
        ) from error
    return [directory / jar.name for jar in wanted]


def _missing(wanted: Iterable[Jar], directory: Path) -> list[Jar]:
    return [jar for jar in wanted if not _is_pinned(directory / jar.name, jar)]


def _is_pinned(path: Path, jar: Jar) -> bool:
    return path.is_file() and _sha256(path) == jar.sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(missing: list[Jar], directory: Path, progress: Progress | None) -> None:
    with _staging(directory) as staging:
        for done, (jar, path) in enumerate(_fetched(missing, maven_context(staging)), start=1):
            verify(path, jar)
            path.replace(directory / jar.name)
            if progress is not None:
                progress(done, len(missing), jar.name)


def _fetched(missing: list[Jar], context: Any) -> Iterator[tuple[Jar, Path]]:
    """Yield jars as they come. The threads are daemons, so Ctrl-C need not wait for the net."""
    wanted: SimpleQueue[Jar] = SimpleQueue()
    arrived: SimpleQueue[tuple[Jar, Path | Exception]] = SimpleQueue()

    def work() -> None:
        while True:
            try:
                jar = wanted.get_nowait()
            except Empty:
                return
            try:
                arrived.put((jar, _fetch_one(context, jar)))
            except Exception as error:  # noqa: BLE001 (raised again by the reader)
                arrived.put((jar, error))

    for jar in missing:
        wanted.put(jar)
    for _ in range(min(_FETCHES_AT_ONCE, len(missing))):
        Thread(target=work, daemon=True).start()
    for _ in missing:
        jar, outcome = arrived.get()
        if isinstance(outcome, Exception):
            raise outcome
        yield jar, outcome


def verify(path: Path, jar: Jar) -> None:
    """Compare a file with its pin.

    Raises:
        UserError: They differ.
    """
    found = _sha256(path)
    if found != jar.sha256:
        raise UserError(
            f"{jar.name} is not the pinned one: SHA-256 {found}, pinned {jar.sha256}",
            "a proxy or mirror has changed it; nothing of it was kept",
        )


def maven_context(repository: Path) -> Any:
    """Return jgo's door to Maven, with the mirrors of the user's jgo configuration.

    Raises:
        Unavailable: jgo is not installed.
    """
    try:
        config = importlib.import_module("jgo.config")
        maven = importlib.import_module("jgo.maven")
    except ImportError as error:
        raise Unavailable(
            "the embedded Kafka needs the package jgo to fetch its jars",
            "pip install 'winback[local]', or set WINBACK_KAFKA_BOOTSTRAP",
        ) from error
    mirrors = config.GlobalSettings.load().repositories
    return maven.MavenContext(
        repo_cache=repository, remote_repos=mirrors or None, timeout=_FETCH_TIMEOUT_S
    )


def _fetch_one(context: Any, jar: Jar) -> Path:
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    try:
        return Path(component.artifact().resolve())
    except Exception as error:  # whatever jgo and requests raise: all of it is weather
        if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
            raise
        raise Unavailable(
            f"the jar {jar.name} cannot be fetched ({_root(error)})",
            "check the network or proxy (HTTPS_PROXY), or name a mirror in jgo's configuration "
            "([repositories]), or set WINBACK_KAFKA_BOOTSTRAP to a Kafka that runs elsewhere",
        ) from error


def _root(error: BaseException) -> str:
    """Return the name of the innermost cause: its text would be a page long."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return f"{type(error).__name__}: {error}"[:120]


@contextmanager
def _staging(directory: Path) -> Iterator[Path]:
    """Give a place for unfinished files; only called under the cache's lock."""
    for left_over in directory.glob(".fetching-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    path = Path(tempfile.mkdtemp(prefix=".fetching-", dir=directory))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
