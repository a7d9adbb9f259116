"""``winback models``: how the models stand, and which of them is in force."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec

from streams.errors import Exit, UserError
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from models.standing import Report
    from streams.orders import Handled
    from winback_sender.cluster import Cluster

Record = TypeVar("Record", bound=msgspec.Struct)

WAIT_S: Final = 30.0

_Option = Callable[[Any], Any]
_local: _Option = click.option("--local", is_flag=True, help="Start the embedded Kafka if need be.")
_as_json: _Option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_wait: _Option = click.option(
    "--wait", "wait_s", type=click.FloatRange(0, 3600), default=WAIT_S, show_default=True,
    metavar="SECONDS", help="Wait so long for the learner.",
)  # fmt: skip


@click.group()
def models() -> None:
    """Look at the models, and say which is in force.

    Several learn side by side and are graded on the same outcomes. Orders are signed with
    WINBACK_MODEL_KEY, and carried out by the learner, once and in their turn.
    """


@models.command(name="list")
@_local
@_as_json
def list_command(*, local: bool, as_json: bool) -> int:
    """Print how all models stand: quality, what is in force, alarms, promotions."""
    from streams.commands.model_words import listed  # noqa: PLC0415 (quick --help)

    report, orders = asyncio.run(_report(*_kafka(is_local=local)))
    if as_json:
        facts = msgspec.to_builtins(report) | {"orders": msgspec.to_builtins(orders)}
        click.echo(msgspec.json.encode(facts).decode())
    else:
        click.echo(listed(report, orders))
    return Exit.OK


@models.command()
@click.argument("name")
@_local
@_as_json
def show(*, name: str, local: bool, as_json: bool) -> int:
    """Print all that is known of the model NAME."""
    from streams.commands.model_words import shown  # noqa: PLC0415 (quick --help)

    report, _ = asyncio.run(_report(*_kafka(is_local=local)))
    found = next((standing for standing in report.models if standing.name == name), None)
    if found is None:
        names = ", ".join(standing.name for standing in report.models)
        raise UserError(f"no model is called {name!r}", f"there are {names}")
    click.echo(msgspec.json.encode(found).decode() if as_json else shown(report, found))
    return Exit.OK


@models.command()
@click.argument("name")
@_wait
@_local
@_as_json
def promote(*, name: str, wait_s: float, local: bool, as_json: bool) -> int:
    """Put the model NAME in force."""
    return _order("promote", name, "", wait_s, is_local=local, as_json=as_json)


@models.command()
@_wait
@_local
@_as_json
def rollback(*, wait_s: float, local: bool, as_json: bool) -> int:
    """Put the model in force that was before the last promotion."""
    return _order("rollback", "", "", wait_s, is_local=local, as_json=as_json)


@models.command()
@click.argument("name")
@click.option("--booster", metavar="FILE", required=True,
              help="What LightGBM's Booster.save_model wrote.")  # fmt: skip
@_wait
@_local
@_as_json
def add(*, name: str, booster: str, wait_s: float, local: bool, as_json: bool) -> int:
    """Enter a booster of your own as the challenger NAME.

    It is fitted to matured examples: from the 31 features (or all 40) to the log-odds of being
    active within H/4. It plays under a name that begins with guest_, is graded on the same
    outcomes as the others, and is put in force like them.
    """
    from models.boosted import BadTreesError, Trees  # noqa: PLC0415 (LightGBM takes a second)
    from streams.orders import BODY_MAX, guest  # noqa: PLC0415

    try:
        text = Path(booster).read_text(encoding="utf-8")
        Trees(text)
    except (OSError, UnicodeDecodeError, BadTreesError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UserError(f"the booster {booster} cannot be used: {why}",
                        "write it with Booster.save_model") from None  # fmt: skip
    settings, cluster = _kafka(is_local=local)
    snapshot = guest(name, text, asyncio.run(_horizon_ms(settings, cluster)))
    body = msgspec.json.encode(snapshot).decode()
    if len(body) > BODY_MAX:
        raise UserError(f"the booster {booster} has {len(body):,} B; {BODY_MAX:,} B fit",
                        "fit fewer or smaller trees")  # fmt: skip
    return _order("add", snapshot.name, body, wait_s, is_local=local, as_json=as_json)


def _kafka(*, is_local: bool) -> "tuple[Settings, Cluster]":
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415 (quick --help)

    settings = load_settings(os.environ)
    return settings, resolve_cluster(settings, os.environ, is_local=is_local)


async def _report(settings: Settings, cluster: "Cluster") -> "tuple[Report, tuple[Handled, ...]]":
    """Return how the models stand, and what came of the newest orders."""
    from models.standing import REPORT, Report  # noqa: PLC0415 (quick --help)
    from streams.orders import KEY, Orders  # noqa: PLC0415
    from streams.runtime.live_state import read_models  # noqa: PLC0415

    found = await read_models(cluster, settings, {REPORT.encode(), KEY.encode()})
    report = _loaded(found.get(REPORT.encode()), settings, Report)
    return report, _loaded(found.get(KEY.encode()), settings, Orders).handled


async def _horizon_ms(settings: Settings, cluster: "Cluster") -> int:
    from models.roster_records import SERVING  # noqa: PLC0415 (quick --help)
    from models.snapshot import Serving  # noqa: PLC0415
    from streams.runtime.live_state import read_models  # noqa: PLC0415

    found = await read_models(cluster, settings, {SERVING.encode()})
    return _loaded(found.get(SERVING.encode()), settings, Serving).horizon_ms


def _loaded(data: bytes | None, settings: Settings, kind: type[Record]) -> Record:
    from models.snapshot import SnapshotRefused, load  # noqa: PLC0415 (quick --help)

    if data is None:
        raise UserError("the learner has not written anything yet",
                        "start it (winback run --role learner) and give it events")  # fmt: skip
    try:
        return load(data, settings.model_keys, kind)
    except SnapshotRefused as refused:
        raise UserError(
            f"what the learner wrote is refused: {refused}",
            "use the learner's WINBACK_MODEL_KEY, and its version of winback",
        ) from None


def _order(
    action: str, name: str, body: str, wait_s: float, *, is_local: bool, as_json: bool
) -> int:
    from streams.orders import ordered  # noqa: PLC0415 (quick --help)
    from streams.runtime.order_desk import give  # noqa: PLC0415
    from streams.runtime.ticks import now_ms  # noqa: PLC0415

    settings, cluster = _kafka(is_local=is_local)
    order = ordered(action, name, body, at_ms=now_ms(), keys=settings.model_keys)
    handled = asyncio.run(give(cluster, settings, order, wait_s))
    if handled is None:
        raise UserError(
            f"the learner has not answered within {wait_s:g} s",
            "Is it running, with this WINBACK_MODEL_KEY? The order waits for it: winback models "
            "list shows what came of it.",
            Exit.FAILED,
        )
    if as_json:
        click.echo(msgspec.json.encode(handled).decode())
    else:
        click.echo(handled.said if handled.is_done else f"refused: {handled.said}")
    return Exit.OK if handled.is_done else Exit.FAILED
