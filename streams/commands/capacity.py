"""``winback capacity``: how large a deployment has to be, and what it costs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from streams.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES: Final = """\b
Examples:
  winback capacity
  winback capacity --users 5000000 --events-per-day 2e8 --zones 1 --replication 1
  winback capacity --awake-share 0.9 --worker-gb 32 --worker-cores 8
  winback capacity --price-zone-gb 0 --price-core-hour 0.03 --json
"""

OPTIONS: Final[tuple[tuple[str, str], ...]] = (
    ("users", "People with a state. Default: 200 million."),
    ("events_per_day", "Events of all of them. Default: 5e9."),
    ("peak_factor", "Busiest second over the mean one. Default: 3."),
    ("awake_share", "Share of users silent for less than 2H. Default: 0.4."),
    ("horizon_days", "H. Default: 30."),
    ("touches_per_user_month", "Touches that leave, over all users. Default: 0.3."),
    ("decisions_per_touch", "Decisions on record for each. Default: 4."),
    ("event_bytes", "An event, as producers have compressed it. Default: 254."),
    ("activity_days", "Activity is kept so long. Default: 7."),
    ("decision_days", "Decisions are kept so long. Default: 180."),
    ("journal_days", "The journal is kept so long. Default: 30."),
    ("replication", "Copies of a partition. Default: 3."),
    ("zones", "Availability zones. Default: 3."),
    ("partitions", "Of the activity topic. Default: as many as are right."),
    ("commit_s", "A partition commits at most so often. Default: 0.1."),
    ("busy_max", "Share of a core in use at the peak. Default: 0.6."),
    ("restore_s", "A worker may restore so long. Default: 60."),
    ("session_s", "Session time-out of the group. Default: 45."),
    ("worker_cores", "Machine of a worker. Default: 2."),
    ("worker_gb", "The same, memory. Default: 8."),
    ("broker_cores", "Machine of a broker. Default: 16."),
    ("broker_gb", "The same, memory. Default: 64."),
    ("broker_mb_per_s", "What it takes in or hands out. Default: 200."),
)
"""Field of `Load` to its line in the help."""

PRICES: Final[tuple[tuple[str, str], ...]] = (
    ("core_hour", "Dollars: a core with 4 GB, an hour. Default: 0.0408."),
    ("disk_gb_month", "Block storage, a GB, a month. Default: 0.08."),
    ("zone_gb", "A GB between zones. Default: 0.02."),
    ("object_gb_month", "Object storage, a GB, a month. Default: 0.023."),
)
WHOLE: Final = {
    "users", "replication", "zones", "partitions", "worker_cores", "broker_cores",
}  # fmt: skip


class Amount(click.ParamType):
    """A number, also as people write large ones: ``5e9``, ``200_000_000``."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number."""
        try:
            return float(str(value).replace(",", ""))
        except ValueError:
            self.fail(f"{value!r} is not a number, such as 5e9 or 200_000_000", param, ctx)


def _options(command: "Callable[..., Any]") -> "Callable[..., Any]":
    for name, text in reversed(PRICES):
        command = click.option(
            f"--price-{name.replace('_', '-')}", f"price_{name}", type=Amount(), help=text
        )(command)
    for name, text in reversed(OPTIONS):
        command = click.option(f"--{name.replace('_', '-')}", name, type=Amount(), help=text)(
            command
        )
    return command


@click.command(epilog=EXAMPLES)
@_options
@click.option("--figures", "directory", metavar="DIR",
              help="Costs measured on your machine: build/figures of make bench.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def capacity(*, directory: str | None, as_json: bool, **given: float | None) -> None:
    """Say how many workers, brokers, disks and dollars a load asks for.

    Computed from measured costs, which are named below the answer; nothing is contacted.
    docs/scale.md tells how far the numbers can be trusted.
    """
    from streams.capacity.limits import limits  # noqa: PLC0415 (quick --help)
    from streams.capacity.load import ImpossibleLoadError  # noqa: PLC0415
    from streams.capacity.measured import Costs, measured  # noqa: PLC0415
    from streams.capacity.plan import plan  # noqa: PLC0415
    from streams.capacity.text import in_json, said  # noqa: PLC0415

    load, prices = _given(given)
    costs = Costs() if directory is None else measured(_figures(Path(directory)))
    try:
        found = plan(load, costs, prices)
    except ImpossibleLoadError as error:
        raise UserError(str(error), "winback capacity --help") from None
    click.echo(in_json(found, limits(found)) if as_json else said(found, limits(found)))


def _given(given: dict[str, float | None]) -> tuple[Any, Any]:
    """Return load and prices as the options say."""
    from math import isfinite  # noqa: PLC0415 (quick --help)

    from streams.capacity.load import Load  # noqa: PLC0415
    from streams.capacity.prices import Prices  # noqa: PLC0415

    load: dict[str, Any] = {}
    prices: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        option = f"--{name.replace('_', '-')}"
        if not isfinite(value):
            raise UserError(f"{option} {value}: must be finite", "winback capacity --help")
        if name in WHOLE and value != int(value):
            raise UserError(f"{option} {value:g}: must be whole", f"{option} {round(value)}")
        if name.startswith("price_"):
            if value < 0:
                raise UserError(f"{option} {value:g}: a price is not negative", f"{option} 0")
            prices[name.removeprefix("price_")] = value
        else:
            load[name] = int(value) if name in WHOLE else value
    return Load(**load), Prices(**prices)


def _figures(directory: Path) -> dict[str, float]:
    """Return the figures of a directory by name."""
    import msgspec  # noqa: PLC0415 (quick --help)

    found = {}
    for path in sorted(directory.glob("*.json")):
        try:
            figure = msgspec.json.decode(path.read_bytes())
            found[str(figure["name"])] = float(figure["value"])
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, OSError) as error:
            raise UserError(f"{path} is no figure: {error}", "write it anew: make bench") from None
    if not found:
        raise UserError(f"{directory} holds no figures", "make bench writes build/figures")
    return found
