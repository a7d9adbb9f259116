"""Several runs of the same test, one seed after the other."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from winback_sender.cluster import Cluster
from winback_sender.conformance.driver import run
from winback_sender.conformance.order import Order
from winback_sender.conformance.page import Verdict, dump, verdict
from winback_sender.conformance.plan import Trouble, plan
from winback_sender.conformance.stands import STANDS
from winback_sender.conformance.wire import Topics

TROUBLES: Final = (
    Trouble.KILL, Trouble.KILL, Trouble.KILL, Trouble.RESTART, Trouble.JOIN, Trouble.LEAVE,
    Trouble.PROVIDER_AWAY, Trouble.REDELIVER,
)  # fmt: skip
"""What happens in a run of a sender that the kit starts."""
WATCHED: Final = (Trouble.PROVIDER_AWAY,)
"""What happens to one that runs elsewhere."""


class Series(NamedTuple):
    """What is tested in every run; attributes as of `Order` and `plan`."""

    command: str
    cluster: Cluster
    provider: str = "postbox"
    topics: Topics | None = None
    instances: int = 2
    touches: int = 160
    length_s: float = 15.0
    port: int = 0
    troubles: tuple[Trouble, ...] = TROUBLES


def verdicts(
    series: Series,
    seeds: Iterable[int],
    folder: Path,
    say: Callable[[str], None] = lambda _: None,
    progress: Callable[[float], None] = lambda _: None,
) -> Iterator[Verdict]:
    """Yield what the judge says of each run; logs and evidence are in the folder, by seed.

    Raises:
        UserError: Kafka cannot be reached, or the sender cannot be started.
    """
    for seed in seeds:
        say(f"seed {seed}")
        token = secrets.randbits(32)  # Of no run before: some senders remember what they sent.
        (home := folder / str(seed)).mkdir(parents=True)
        planned = plan(seed, series.touches, series.length_s, series.troubles, run=token)
        order = Order(
            series.command, series.cluster, series.topics, f"conformance-{seed}-{token:08x}",
            planned, STANDS[series.provider], series.instances, home, series.port,
        )  # fmt: skip
        found = verdict(seed, run(order, say, progress))
        (home / "evidence.json").write_bytes(dump(found))
        yield found
