"""Logs: one line an event, ``key=value``, on standard error; no user's id in the clear.

``log.info("partitions_owned", generation=3, partitions=[0, 2])`` writes
``2026-01-31T08:00:00.123Z INFO partitions_owned generation=3 partitions=[0,2]``.
The event's name is a word of the project's vocabulary, so that it can be searched for.
"""

import hashlib
import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

from winback_sender.errors import UserError
from winback_sender.keys import derived
from winback_sender.log_errors import tell_uncaught, told, trace_of, without_quotes

HASH_CHARACTERS: Final = 12
SPEAKING_PERIOD_S: Final = 5.0
"""A line that a library repeats is let through this often: aiokafka writes 20 a second when a
broker is away."""
QUIET_LIBRARIES: Final = ("aiokafka", "faust", "mode", "asyncio", "kafka", "aiohttp.access")
MUTE_LIBRARIES: Final = ("httpx", "httpcore")
"""They write whole addresses, with the tokens in them, also when we debug."""
TELLS_TASKS: Final = "asyncio"
LIBRARY: Final = logging.getLogger("faust.lanes")
"""What Faust's base classes say through ours is theirs."""


class Log:
    """A logger that takes an event's name and its facts."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **facts: Any) -> None:
        """Write what only a developer wants to know."""
        self._write(logging.DEBUG, event, facts)

    def info(self, event: str, **facts: Any) -> None:
        """Write what an operator may want to know."""
        self._write(logging.INFO, event, facts)

    def warning(self, event: str, **facts: Any) -> None:
        """Write what an operator should look at."""
        self._write(logging.WARNING, event, facts)

    def error(self, event: str, **facts: Any) -> None:
        """Write what has failed."""
        self._write(logging.ERROR, event, facts)

    def _write(self, level: int, event: str, facts: dict[str, Any]) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, event, extra={"facts": facts})


def get_logger(name: str) -> Log:
    """Return the log of a module."""
    return Log(name)


def hashed(user_id: str | bytes) -> str:
    """Return what stands for a user in logs: the same id gives the same word in a deployment.

    Without the deployment's key nobody can try out whose it is, however few ids there are.
    """
    data = user_id.encode() if isinstance(user_id, str) else user_id
    return hashlib.blake2b(data, digest_size=HASH_CHARACTERS // 2, key=_PSEUDONYMS.key).hexdigest()


class _Pseudonyms:
    """What the words for users are made with, once ``configure`` has said it."""

    key = b""


_PSEUDONYMS: Final = _Pseudonyms()


class LineFormatter(logging.Formatter):
    """One line: instant, level, event, facts; a library's message is the fact ``text``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a stack trace follows on lines of its own."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts: dict[str, Any] | None = getattr(record, "facts", None)
        if facts is None:
            event, facts = record.name, {"text": _text(record)}
        else:
            event = record.getMessage()
        words = [at.replace("+00:00", "Z"), record.levelname, event]
        words += [f"{name}={_fact(value)}" for name, value in facts.items()]
        line = " ".join(words)
        error = record.exc_info[1] if record.exc_info else None
        return line if error is None else f"{line}\n{trace_of(error)}"


class Moderator(logging.Filter):
    """Lets the same line of a library through once in a while, and says how many it held back."""

    def __init__(self) -> None:
        super().__init__()
        self._spoken: dict[tuple[str, Any], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Decide by the place in the library's code, not by the text, which carries numbers.

        What an operator can mend is said once, in words, when the process ends.
        """
        if hasattr(record, "facts"):
            return True
        if record.exc_info and isinstance(record.exc_info[1], UserError):
            return False
        place = (record.pathname, record.lineno)
        at, held = self._spoken.get(place, (-SPEAKING_PERIOD_S, 0))
        if record.created - at < SPEAKING_PERIOD_S:
            self._spoken[place] = (at, held + 1)
            return False
        self._spoken[place] = (record.created, 0)
        if held:
            record.msg, record.args = f"{_text(record)} (and {held} like it)", None
        return True


def configure(level: str, id_key: str = "") -> None:
    """Send all logs to standard error.

    Args:
        level: Least important level of our own lines. Libraries speak from warning on, or from info
            when we debug; their loggers never build debug records, which cost 4 % of the CPU.
        id_key: The deployment's secret behind pseudonyms, of any length.
    """
    _PSEUDONYMS.key = derived(id_key) if id_key else b""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    handler.addFilter(Moderator())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    tell_uncaught(_write_uncaught)
    for name in QUIET_LIBRARIES:
        library = logging.getLogger(name)
        library.setLevel(logging.INFO if level == "debug" else logging.WARNING)
    for name in MUTE_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


def _text(record: logging.LogRecord) -> str:
    """Return what a library says, on a line; of an error only what quotes no record."""
    args = record.args
    if isinstance(args, tuple):
        args = tuple(map(without_quotes, args))
    elif args:
        args = {name: without_quotes(value) for name, value in args.items()}
    try:
        text = str(record.msg) % args if args else str(without_quotes(record.msg))
    except (TypeError, ValueError, KeyError):
        text = str(record.msg)
    if record.name == TELLS_TASKS:  # Behind the first line stands the error itself.
        return text.partition("\n")[0]
    return text


def _write_uncaught(event: str, error: BaseException) -> None:
    raised = (type(error), error, error.__traceback__)
    logging.getLogger(__name__).critical(event, exc_info=raised, extra={"facts": {}})


def _fact(value: Any) -> str:
    if isinstance(value, BaseException):
        return _fact(told(value))
    if isinstance(value, str) and value.isprintable() and value and not set(value) & set(' "='):
        return value
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return text if text.isprintable() else json.dumps(value, separators=(",", ":"), default=str)
