"""Changed rules without a restart: what can be used comes into force, what cannot is refused.

Editors save by renaming a new file over the old one, or by truncating and writing it; either way
there is an instant at which the file is missing, empty or half of itself. So rules are read when
the files have been still for a moment, and what cannot be read is tried again before it is told.
"""

import asyncio
from collections.abc import Callable, Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from streams.core.rules import Rules
from streams.errors import UserError
from streams.runtime.metrics import Metric, Metrics
from winback_sender.logs import get_logger

log = get_logger(__name__)

LOOK_EVERY_S: Final = 2.0
STILL_S: Final = 0.3
"""Files that did not change for so long are not being written."""
TRY_AGAIN_S: Final = 1.0

Stamp = tuple[tuple[int, int, int], ...]


class Loaded(NamedTuple):
    """Rules, and where they stand.

    Attributes:
        rules: As parsed.
        files: The rules file and those that it names; empty = the shipped defaults.
        version: Fingerprint of the content of the files.
    """

    rules: Rules
    files: tuple[Path, ...]
    version: str


def version_of(files: Iterable[Path]) -> str:
    """Return a fingerprint of the content of files; ``shipped`` of none.

    Raises:
        OSError: One cannot be read.
    """
    contents = [path.read_bytes() for path in files]
    if not contents:
        return "shipped"
    return blake2b(b"\0".join(contents), digest_size=6).hexdigest()


def _stamp(files: Iterable[Path]) -> Stamp:
    """Return by what a change of files is noticed; a missing one has a stamp too."""
    found = []
    for path in files:
        try:
            stat = path.stat()
        except OSError:
            found.append((0, -1, 0))
        else:
            found.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return tuple(found)


class RulesWatch:
    """Watches the files of the rules.

    Args:
        loaded: What is in force.
        load: Reads and parses them anew.
        metrics: Where measures go.
        on_rules: Called with rules that are to come into force.

    Attributes:
        refused: Why the files are not in force as they are, empty = they are.
    """

    def __init__(
        self,
        loaded: Loaded,
        load: Callable[[], Loaded],
        metrics: Metrics,
        on_rules: Callable[[Loaded], object],
    ) -> None:
        self.refused = ""
        self._loaded = loaded
        self._load = load
        self._metrics = metrics
        self._on_rules = on_rules
        self._seen = _stamp(loaded.files)
        metrics.set(Metric.RULES_IN_FORCE, 1, version=loaded.version)

    async def follow(self) -> None:
        """Look for ever; rules that are shipped do not change."""
        while self._loaded.files:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Put changed rules in force, or say why not.

        As long as they are refused they are read at every look: what has to be mended may stand in
        a file that nobody knows of yet.
        """
        if self._seen == _stamp(self._loaded.files) and not self.refused:
            return
        try:
            self._use(await self._settled())
        except UserError as error:
            self._refuse(error.message)

    async def _settled(self) -> Loaded:
        """Return what stands in the files when nobody writes them any more.

        Raises:
            UserError: It cannot be used, now and a second later.
        """
        may_try_again = not self.refused
        while True:
            before = _stamp(self._loaded.files)
            await asyncio.sleep(STILL_S)
            if _stamp(self._loaded.files) != before:
                continue
            try:
                loaded = await asyncio.to_thread(self._read)
            except UserError:
                if not may_try_again:
                    raise
                may_try_again = False
                await asyncio.sleep(TRY_AGAIN_S)
                continue
            if _stamp(self._loaded.files) == before:
                self._seen = _stamp(loaded.files)
                return loaded

    def _read(self) -> Loaded:
        """Return what stands in the files.

        Raises:
            UserError: It cannot be used in place of what is in force.
        """
        empty = next((path for path in self._loaded.files if _is_empty(path)), None)
        if empty is not None:
            raise UserError(f"{empty} is empty; the shipped rules have no file")
        loaded, in_force = self._load(), self._loaded.rules
        if loaded.rules.hash != in_force.hash:
            raise UserError(
                f"{self._loaded.files[0]}: what leaving means, or what events mean, has changed "
                f"(rules {loaded.rules.hash}, in force {in_force.hash}); the users' state was made "
                "with it: stop the service and carry the users over: winback state migrate --rules"
            )
        if _topics(loaded.rules) != _topics(in_force):
            raise UserError(
                f"{self._loaded.files[0]}: inputs: names other topics, or reads one of them in "
                "another way (format, encoding, keyed_by); that takes a restart"
            )
        return loaded

    def _use(self, loaded: Loaded) -> None:
        is_changed = loaded.version != self._loaded.version
        self._loaded = loaded
        if self.refused:
            log.info("rules_mended", version=loaded.version)
            self.refused = ""
        if is_changed:
            self._metrics.forget(Metric.RULES_IN_FORCE)
            self._metrics.set(Metric.RULES_IN_FORCE, 1, version=loaded.version)
            log.info("rules_in_force", version=loaded.version, file=str(loaded.files[0]))
            self._on_rules(loaded)

    def _refuse(self, why: str) -> None:
        if why == self.refused:
            return
        self.refused = why
        self._metrics.add(Metric.RULES_REFUSED)
        log.warning("rules_refused", reason=why, using=self._loaded.version)


def _topics(rules: Rules) -> set[tuple[object, ...]]:
    """Return what of the inputs a worker has built on when it started; the mapping is not."""
    return {
        (source.topic, source.form, source.inner, source.encoding, source.keyed_by)
        for source in rules.sources
    }


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except OSError:
        return False
