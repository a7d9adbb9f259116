"""How a worker ends, and what an operator reads then."""

import asyncio
import logging
import os
import sys
from typing import cast

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaTimeoutError,
    NotEnoughReplicasError,
    ProducerFenced,
)

from streams.commands import run
from streams.errors import Exit, Unavailable, UserError
from streams.runtime import roles, wait_for_kafka
from streams.runtime.app import LaneApp
from streams.runtime.producer import FencedError
from streams.runtime.worker import BrokerAway, leave_out_kafka, readable, work
from streams.settings import Settings
from winback_sender import logs
from winback_sender.cluster import Cluster


def test_a_fenced_worker_says_who_it_was_and_that_nothing_is_lost() -> None:
    found = readable(FencedError("winback-users-2"))
    assert isinstance(found, UserError)
    assert "winback-users-2" in found.message
    assert "Nothing is lost" in found.hint
    assert found.exit_code == 1


@pytest.mark.parametrize("torn", [RuntimeError("Event loop is closed"), asyncio.CancelledError()])
def test_what_crashed_it_is_told_even_if_its_stop_breaks(
    torn: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At once: what else runs would fail of a loop that is closed, and say so."""

    class App:
        failure: asyncio.Future[BaseException]

        async def start(self) -> None:
            self.failure.set_result(UserError("the topic has 6 partitions"))

        async def stop(self) -> None:
            raise torn

    async def nothing() -> None:
        """Before and after it."""

    def end(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", end)
    with pytest.raises(SystemExit) as ended:
        asyncio.run(work(cast("LaneApp", App()), nothing, nothing))
    assert ended.value.code == Exit.USAGE
    assert capsys.readouterr().err == "winback: the topic has 6 partitions\n"


def test_weather_and_bugs_are_told_apart() -> None:
    bug = AssertionError("n is 3")
    for weather in (KafkaTimeoutError(), KafkaConnectionError(), NotEnoughReplicasError()):
        assert isinstance(readable(weather), BrokerAway)
    assert readable(bug) is bug


def test_a_library_shows_no_stack_trace_of_what_an_operator_can_mend() -> None:
    moderator = logs.Moderator()
    for error, is_shown in ((UserError("other rules"), False), (AssertionError("n is 3"), True)):
        crash = logging.LogRecord(
            "mode", logging.ERROR, "services.py", 1, "Crashed", None, (type(error), error, None)
        )
        assert moderator.filter(crash) is is_shown


def test_errors_of_kafka_that_nobody_waited_for_are_not_told_twice(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A fenced producer leaves one in each batch; the worker has said in one line that it is."""
    loop = asyncio.new_event_loop()
    for error in (ProducerFenced("a newer producer"), AssertionError("n is 3")):
        leave_out_kafka(loop, {"message": "never retrieved", "exception": error})
    loop.close()

    assert "n is 3" in caplog.text
    assert "newer producer" not in caplog.text


class Replaced(BaseException):
    """The process image was replaced."""


def test_after_a_long_outage_the_process_begins_anew_with_the_same_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    knocks: list[str] = []

    async def away(*_: object, **__: object) -> None:
        raise BrokerAway("gone")

    def knock(cluster: Cluster) -> None:
        knocks.append(str(cluster))
        if len(knocks) < 3:
            raise Unavailable("still gone")

    def replace(program: str, words: list[str]) -> None:
        raise Replaced(program, words)

    monkeypatch.setattr(logs, "configure", lambda *_: None)
    monkeypatch.setattr(roles, "run_pipeline", away)
    monkeypatch.setattr(wait_for_kafka, "require_reachable", knock)
    monkeypatch.setattr(wait_for_kafka, "BACK_OFF_S", 0.0)
    monkeypatch.setattr(os, "execv", replace)
    with pytest.raises(Replaced) as anew:
        run._work(
            "pipeline", Settings(web_port=0), Cluster.plain("kafka:9092"), may_skip_lost=False
        )
    assert knocks == ["kafka:9092"] * 3
    assert anew.value.args == (sys.executable, [sys.executable, *sys.orig_argv[1:]])
