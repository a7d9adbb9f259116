"""``winback keys``: make secrets, and say by their ids which are in use."""

import asyncio
import os
import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

import click
import msgspec

from streams.errors import Exit
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from winback_sender.keys import KeyRing

SECRET_BYTES: Final = 32
"""256 bits: nobody tries that out, whatever was hashed with it."""


class Line(NamedTuple):
    """A key of a purpose, by its id."""

    purpose: str
    id: str
    said: str
    is_development: bool = False


@click.group()
def keys() -> None:
    """Make secrets, and say which are in use (docs/keys.md); a secret itself is never shown."""


@keys.command()
def new() -> None:
    """Print a new secret, good for every setting that wants one."""
    click.echo(secrets.token_urlsafe(SECRET_BYTES))


@keys.command()
@click.option("--live", is_flag=True, help="Also say until when the users' state needs each key.")
@click.option("--local", is_flag=True, help="Start the embedded Kafka when no Kafka is known.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(*, live: bool, local: bool, as_json: bool) -> int:
    """Say which keys are in force, and which are the development key.

    With --live also until when the users' state needs each id key: a former one may be taken out of
    WINBACK_ID_KEYS_BEFORE when no partition needs it any longer. The exit code is 1 when a key is
    missing, or is the one that everybody has.
    """
    settings = load_settings(os.environ)
    lines = [*_id_lines(settings.id_keys), *_model_lines(settings.model_keys)]
    needed = asyncio.run(_needed(settings, is_local=local)) if live else {}
    missing = sorted(needed.keys() - {line.id for line in lines if line.purpose == "id"})
    if as_json:
        facts = {"keys": [line._asdict() for line in lines], "needed": needed, "missing": missing}
        click.echo(msgspec.json.encode(facts).decode())
    else:
        for line in lines:
            until = f"; the state needs it until {needed[line.id]}" if line.id in needed else ""
            weak = "; EVERYBODY HAS IT: winback keys new" if line.is_development else ""
            click.echo(f"{line.purpose:<6} {line.id}  {line.said}{until}{weak}")
        for name in missing:
            click.echo(f"id     {name}  MISSING; the state needs it until {needed[name]}")
    is_sound = not missing and not any(line.is_development for line in lines)
    return Exit.OK if is_sound else Exit.FAILED


def _id_lines(ring: "KeyRing") -> list[Line]:
    from streams.core.ids import key_id  # noqa: PLC0415 (quick --help)
    from streams.core.time import iso  # noqa: PLC0415
    from winback_sender.keys import DEVELOPMENT_KEY, derived  # noqa: PLC0415

    begin = f"from {iso(ring.former[-1].until_ms)} on" if ring.former else "always"
    former = [
        Line("id", key_id(derived(key.secret)), f"in force until {iso(key.until_ms)}")
        for key in ring.former
    ]
    name, is_weak = key_id(derived(ring.newest)), ring.newest == DEVELOPMENT_KEY
    return [*former, Line("id", name, f"in force {begin}", is_weak)]


def _model_lines(accepted: tuple[bytes, ...]) -> list[Line]:
    from streams.core.ids import key_id  # noqa: PLC0415 (quick --help)
    from winback_sender.keys import DEVELOPMENT_KEY  # noqa: PLC0415

    return [
        Line(
            "model", key_id(key), "signs" if not place else "is accepted",
            key == DEVELOPMENT_KEY.encode(),
        )
        for place, key in enumerate(accepted)
    ]  # fmt: skip


async def _needed(settings: Settings, *, is_local: bool) -> dict[str, str]:
    """Return until when any partition needs an id key, by its id."""
    from streams.core.time import iso  # noqa: PLC0415 (quick --help)
    from streams.runtime.control_desk import keys_needed  # noqa: PLC0415
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415

    cluster = resolve_cluster(settings, os.environ, is_local=is_local)
    return {name: iso(at_ms) for name, at_ms in (await keys_needed(cluster, settings)).items()}
