"""Run a Faust app as a process: start, signals, crash, stop, and an end in any case."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiokafka.errors import (
    BrokerNotAvailableError,
    CommitFailedError,
    IllegalGenerationError,
    KafkaError,
    KafkaTimeoutError,
    KafkaUnavailableError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from streams.errors import Exit, Unavailable, UserError
from streams.runtime.app import LaneApp
from streams.runtime.producer import FencedError
from winback_sender.command_line import complain
from winback_sender.logs import get_logger

log = get_logger(__name__)

STOP_PATIENCE_S: Final = 15.0
"""A stop that takes longer hangs (Faust can wait for ever); what is durable stays so."""


WEATHER: Final = (
    BrokerNotAvailableError, KafkaTimeoutError, KafkaUnavailableError,
    CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError,
)  # fmt: skip
"""What passes, though aiokafka does not call it retriable: brokers and the group's membership."""


class BrokerAway(Unavailable):
    """Kafka went away under a running worker, for longer than a commit can wait."""


async def work(
    app: LaneApp, before: Callable[[], Awaitable[None]], after: Callable[[], Awaitable[None]]
) -> None:
    """Run the app until a signal or a crash.

    Args:
        app: Not started.
        before: Awaited before the app starts.
        after: Awaited after it has stopped.

    Raises:
        UserError: Something that an operator can mend.
        Exception: Whatever crashed the app.
    """
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(leave_out_kafka)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app.failure = loop.create_future()
    app.in_worker = True
    app.loop = loop
    asking = asyncio.create_task(stop.wait())
    try:
        if await _interrupted(asyncio.ensure_future(before()), asking):
            return
        await _run_until(app, asking)
    finally:
        asking.cancel()
        reaper = _die_after(STOP_PATIENCE_S, app.failure)
        is_torn = False
        try:
            await app.stop()
        # What crashed it is told; its threads, and calls into them, may be gone with it.
        except (RuntimeError, asyncio.CancelledError):
            if not app.failure.done():
                raise
            is_torn = True
        await after()
        reaper.cancel()
    if app.failure.done():
        reason = readable(app.failure.result())
        if is_torn and not isinstance(reason, BrokerAway):
            end_now(reason)
        raise reason


def end_now(reason: BaseException) -> None:
    """Tell what the worker failed of and end: threads that still run would fail of the end too."""
    code: int = Exit.FAILED
    if isinstance(reason, UserError):
        code = complain("winback", reason.message, reason.hint, reason.exit_code)
    else:
        log.error("failed", exc_info=reason)
    sys.stderr.flush()
    os._exit(code)


def leave_out_kafka(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Tell what nobody waited for, but errors of Kafka: whoever had to know has been told.

    A fenced producer leaves one in every batch that it had not sent.
    """
    error = context.get("exception")
    if isinstance(error, KafkaError):
        log.debug("nobody_waited", error=repr(error))
    else:
        loop.default_exception_handler(context)


async def _run_until(app: LaneApp, asking: "asyncio.Task[bool]") -> None:
    """Start, and return at the first of: signal, crash, failed start."""
    assert app.failure is not None
    starting: asyncio.Task[Any] = asyncio.create_task(app.start())
    waiting: set[asyncio.Future[Any]] = {starting, asking, app.failure}
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if starting in done:
            starting.result()
        if asking in done:
            log.info("stopping", reason="signal")
            break
        if app.failure in done:
            break
    if not starting.done():
        starting.cancel()


async def _interrupted(task: "asyncio.Future[None]", asking: "asyncio.Task[bool]") -> bool:
    either: set[asyncio.Future[Any]] = {task, asking}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
        return False
    task.cancel()
    return True


def readable(reason: BaseException) -> BaseException:
    """Return what an operator should read of a crash; a bug stays as it is."""
    if isinstance(reason, FencedError):
        return UserError(
            f"another worker took over {reason}: this one had been away for longer than the "
            "session time-out, or the state is being carried over (winback state migrate)",
            "Nothing is lost; start it again. Too often: raise WINBACK_SESSION_TIMEOUT_S.",
            Exit.FAILED,
        )
    if not isinstance(reason, KafkaError):
        return reason
    if reason.retriable or isinstance(reason, WEATHER):
        return BrokerAway(
            f"Kafka failed and did not come back in time: {reason!r}",
            "Nothing is lost; start the worker again when Kafka is reachable.",
        )
    where = "".join(f" ({note})" for note in getattr(reason, "__notes__", ()))
    return UserError(
        f"Kafka refused, and would again: {reason!r}{where}",
        "Nothing is lost; mend the topic, its configs or the rights, and start the worker again.",
        Exit.FAILED,
    )


def _die_after(seconds: float, failure: "asyncio.Future[BaseException]") -> threading.Timer:
    """End the process when its stop hangs; what it failed of is told, for nobody else will."""

    def die() -> None:
        log.error("stop_hung", seconds=seconds)
        if failure.done():
            end_now(readable(failure.result()))
        os._exit(Exit.FAILED)

    timer = threading.Timer(seconds, die)
    timer.daemon = True
    timer.start()
    return timer
