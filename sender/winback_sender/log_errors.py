"""Errors in logs: where and of which kind, and what they say only where that quotes no record.

``KeyError: 'ada'`` would be somebody's id, and what a decoder or a database complains of is often
the very text that it was given. What our own code, Kafka's clients and the system say is ours to
read: they speak of topics, files and hosts.
"""

import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Final

from winback_sender.errors import UserError

SPEAKERS: Final = frozenset({"aiokafka", "kafka", "ssl", "socket"})
"""Libraries whose errors speak of hosts, topics and partitions alone."""
HIDDEN: Final = "(what it says is not shown: it may quote a record)"

_QUOTED: Final = re.compile(r"""b?['"].*['"]|(?<=unknown field )`.*`""", re.DOTALL)


def unquoted(text: str) -> str:
    """Return what is wrong with a record, without what is quoted of it."""
    return _QUOTED.sub("…", text)


def told(error: BaseException) -> str:
    """Return kind and text of an error on a line; only the kind where the text may quote anybody.

    An assert states what is always so, and its text is written in our code.
    """
    kind = type(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{kind.__name__}: {error.strerror}"
    is_ours = isinstance(error, UserError | AssertionError | KeyboardInterrupt | SystemExit)
    if is_ours or kind.__module__.partition(".")[0] in SPEAKERS:
        text = " ".join(str(error).split())
        return f"{kind.__name__}: {text}" if text else kind.__name__
    return kind.__name__


def trace_of(error: BaseException) -> str:
    """Return how an error came about: its causes first, each with its frames."""
    return "\n".join(
        line
        for each in reversed([*_chain(error)])
        for line in (
            "Traceback (most recent call last):",
            *"".join(traceback.format_tb(each.__traceback__)).splitlines(),
            _last(each),
        )
    )


def without_quotes(value: Any) -> Any:
    """Return what may stand in a log instead of an argument of a library's line."""
    return told(value) if isinstance(value, BaseException) else value


def tell_uncaught(write: Callable[[str, BaseException], None]) -> None:
    """Have errors that nobody caught, in any thread, written with `trace_of`."""

    def of_process(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            write("crashed", error)

    def of_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
            write("thread_crashed", args.exc_value)

    sys.excepthook = of_process
    threading.excepthook = of_thread


def _last(error: BaseException) -> str:
    said = told(error)
    return said if ": " in said or not str(error) else f"{said} {HIDDEN}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came from, each once."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
