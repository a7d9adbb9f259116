"""``winback sender try``: publish one touch, and print what is said of it."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any, Final, NamedTuple

import click
import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from winback_sender.cli import FindKafka
from winback_sender.clock import now_ms
from winback_sender.cluster import Cluster
from winback_sender.commands.practice import practice
from winback_sender.conformance.driver import midday_zone
from winback_sender.contract.instants import SECOND_MS, iso
from winback_sender.contract.messages import (
    Feedback,
    TouchRequested,
    TouchRevoked,
    cloud_event,
    to_json,
)
from winback_sender.contract.parts import Experiment, Priority, Reason, ReasonText, Risk, TouchUser
from winback_sender.contract.words import STRENGTH, Status
from winback_sender.doorstep import require_topics
from winback_sender.errors import Exit, UserError
from winback_sender.settings import Settings
from winback_sender.settings_catalogue import load

SOURCE: Final = "/winback/sender/try"
POLL_MS: Final = 100
GRACE_S: Final = 3.0
"""So long after a word the next is waited for."""
_DECODER: Final = msgspec.json.Decoder(Feedback)


class Trial(NamedTuple):
    """A touch to be tried.

    Attributes:
        user_id: To whom; your address book should know an address of yours for it.
        channel: Through which channel.
        template_key: With which template.
        params: Its variables.
        expires_s: How long it may be sent.
        is_revoked: Whether it is taken back at once.
    """

    user_id: str
    channel: str
    template_key: str
    params: dict[str, str]
    expires_s: float
    is_revoked: bool


@click.command("try")
@click.option("--command", default="",
              help="Start this sender for it, with topics of its own and a practice provider. "
                   "Without: a sender that runs already.")  # fmt: skip
@click.option("--channel", default="sms", show_default=True, help="Through which channel.")
@click.option("--to", "user_id", metavar="USER", default="try-me", show_default=True,
              help="User id; the sender's address book must know it.")  # fmt: skip
@click.option("--template", default="member_care_greeting", show_default=True,
              help="Template key.")  # fmt: skip
@click.option("--param", "params", metavar="NAME=TEXT", multiple=True,
              help="A variable of the template. May be given several times.")  # fmt: skip
@click.option("--expires", "expires_s", type=click.FloatRange(0.0), default=60.0,
              show_default=True, metavar="SECONDS", help="How long it may be sent.")  # fmt: skip
@click.option("--revoke", "is_revoked", is_flag=True,
              help="Take it back at once: a sender in order does not send it.")  # fmt: skip
@click.option("--wait", "wait_s", type=click.FloatRange(0.0), default=20.0, show_default=True,
              metavar="SECONDS", help="How long to wait for the first word.")  # fmt: skip
@click.option("--local", "is_local", is_flag=True, hidden=True)
@click.pass_context
def trial(
    ctx: click.Context,
    *,
    command: str,
    channel: str,
    user_id: str,
    template: str,
    params: tuple[str, ...],
    expires_s: float,
    is_revoked: bool,
    wait_s: float,
    is_local: bool,
) -> None:
    """Publish one touch, and print what is said of it on the feedback topic.

    With --command nothing else is needed. Without it, do not try it where winback runs: it knows
    nothing of this touch, and counts the feedback as a stranger's.

    \b
    winback sender try --command "python my_sender.py"
    winback sender try --channel sms --to 900
    winback sender try --revoke
    """  # noqa: D301  # \b is click's sign for lines as they are
    settings = load(Settings, os.environ)
    find_kafka: FindKafka = ctx.obj
    cluster = find_kafka(settings, is_local)
    asked = Trial(user_id, channel, template, _named(ctx, params), expires_s, is_revoked)
    with ExitStack() as stack:
        if command:
            place = practice(settings, cluster, channel, command, click.echo)
            settings = stack.enter_context(place)
        require_topics(cluster, (settings.topic_touches, settings.topic_feedback))
        _try(settings, cluster, asked, wait_s)


def _try(settings: Settings, cluster: Cluster, asked: Trial, wait_s: float) -> None:
    """Publish, and print what is said.

    Raises:
        UserError: Nothing is.
    """
    with closing(_listen(cluster, settings.topic_feedback)) as consumer:
        touch_id = _publish(cluster, settings.topic_touches, asked)
        click.echo(f"published {touch_id} on {settings.topic_touches}", err=True)
        start_s, said = time.monotonic(), False
        for word in _words(consumer, touch_id, wait_s):
            said = True
            click.echo(_line(word, time.monotonic() - start_s))
    if not said:
        raise UserError(
            f"nothing was said of it on {settings.topic_feedback} within {wait_s:g} s",
            "does a sender of this channel run, and does it read this Kafka?",
            Exit.FAILED,
        )


def _named(ctx: click.Context, params: tuple[str, ...]) -> dict[str, str]:
    if wrong := [param for param in params if "=" not in param]:
        raise click.UsageError(f"--param {wrong[0]!r} is not NAME=TEXT", ctx)
    return dict(param.split("=", 1) for param in params)


def _listen(cluster: Cluster, topic: str) -> Any:
    """Return a reader of all partitions that begins at the end of now."""
    consumer = KafkaConsumer(
        **cluster.options(), isolation_level="read_committed",
        fetch_max_wait_ms=POLL_MS, metrics_enabled=False,
    )  # fmt: skip
    partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    for partition, offset in consumer.end_offsets(partitions).items():
        consumer.seek(partition, offset)
    return consumer


def _publish(cluster: Cluster, topic: str, asked: Trial) -> str:
    touch_id, at_ms = f"try-{secrets.token_hex(14)}", now_ms()
    messages: list[TouchRequested | TouchRevoked] = [touch(asked, touch_id, at_ms)]
    if asked.is_revoked:
        messages.append(TouchRevoked(touch_id, touch_id, asked.user_id, "returned", iso(at_ms)))
    producer = KafkaProducer(  # it lingers, so that touch and revocation come in one batch
        **cluster.options(), acks="all", linger_ms=50, metrics_enabled=False
    )
    with closing(producer):
        for message in messages:
            kind = str(message.__struct_config__.tag)
            headers = cloud_event(kind, f"{touch_id}-{kind}", SOURCE, iso(at_ms), asked.user_id)
            producer.send(
                topic, key=asked.user_id.encode(), value=to_json(message), headers=headers
            )
        producer.flush()
    return touch_id


def touch(asked: Trial, touch_id: str, at_ms: int) -> TouchRequested:
    """Return the touch as winback would write it."""
    at_iso = iso(at_ms)
    text = ReasonText("a trial", "试发")
    return TouchRequested(
        touch_id=touch_id, case_id=touch_id, user_id=asked.user_id, step=1, steps_total=1,
        channel=asked.channel, template_key=asked.template_key, params=asked.params, offer={},
        not_before=at_iso, expires_at=iso(at_ms + asked.expires_s * SECOND_MS),
        audience_local_timezone=midday_zone(at_ms), purpose="member_care",
        risk=Risk(0.5, 30.0, "medium", (Reason("silence", 1.0, text),), "trial", at_iso),
        user=TouchUser("at_risk", "regular", 0, "CNY", at_iso, "", {}),
        priority=Priority("ordinary_calm", None), experiment=Experiment("trial", "a", 0.0),
    )  # fmt: skip


def _words(consumer: Any, touch_id: str, wait_s: float) -> Iterator[Feedback]:
    """Yield what is said of a touch, each word once, until no more is to be expected."""
    by_s, seen = time.monotonic() + wait_s, set()
    while time.monotonic() < by_s:
        for records in consumer.poll(timeout_ms=POLL_MS).values():
            for record in records:
                word = _read(record.value)
                if word is None or word.touch_id != touch_id or word.status in seen:
                    continue
                seen.add(word.status)
                yield word
                is_last = STRENGTH.get(word.status, 0) >= STRENGTH[Status.FAILED]
                by_s = 0.0 if is_last else time.monotonic() + GRACE_S


def _read(value: bytes | None) -> Feedback | None:
    try:
        return _DECODER.decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _line(word: Feedback, after_s: float) -> str:
    about = {"provider": word.provider, "ref": word.provider_ref}
    details = [word.outcome, word.reason, *(f"{name} {of}" for name, of in about.items() if of)]
    return f"{after_s:6.2f} s  {word.status:<10} {' · '.join(filter(None, details))}".rstrip()
