"""An answer in words."""

from collections.abc import Iterator

import msgspec

from streams.capacity.limits import Limit
from streams.capacity.measured import SOURCES, Costs
from streams.capacity.plan import Capacity


def said(found: Capacity, ends: list[Limit]) -> str:
    """Return an answer as text, with what it rests on."""
    return "\n".join((*_asked(found), "", *_workers(found), "", *_kafka(found), "",
                      *_recovery(found), "", *_around(found), "", *_dollars(found), "",
                      *_limits(ends), "", *_ground(found.costs)))  # fmt: skip


def _asked(found: Capacity) -> Iterator[str]:
    load = found.load
    yield (
        f"{load.users:,} users, {load.events_per_day:,.0f} events a day: {load.mean_per_s:,.0f}/s, "
        f"{load.peak_per_s:,.0f}/s at the peak"
    )
    yield f"{load.awake_share:.0%} of the users silent for less than 2H; H {load.horizon_days:g} d"


def _workers(found: Capacity) -> Iterator[str]:
    workers, load = found.workers, found.load
    yield "workers"
    yield f"  partitions        {workers.partitions:,}"
    yield f"  processes         {workers.count:,}, because of {workers.by}"
    yield f"  cores in use      {workers.cores_mean:.1f}, {workers.cores_peak:.1f} at the peak"
    yield (
        f"  each              {workers.users_each:,.0f} users, {workers.gb_each:.1f} GB of "
        f"{load.worker_gb:g}, {workers.busy_peak:.0%} of a core at the peak"
    )


def _kafka(found: Capacity) -> Iterator[str]:
    kafka, load = found.kafka, found.load
    yield "Kafka"
    yield f"  brokers           {kafka.brokers:,}, because of {kafka.by}; {load.replication} copies"
    yield (
        f"  network, peak     {kafka.in_mb:,.0f} MB/s in, {kafka.replicated_mb:,.0f} copied, "
        f"{kafka.out_mb:,.0f} out"
    )
    yield f"  cores, peak       {kafka.cores_peak:.1f}"
    yield f"  transactions      {kafka.commits_per_s:,.0f}/s at most"
    for name, size in sorted(kafka.disk_gb.items(), key=lambda each: -each[1]):
        yield f"  disk {name:<12} {size:,.0f} GB"


def _recovery(found: Capacity) -> Iterator[str]:
    recovery = found.recovery
    yield "until durable again"
    yield f"  one worker killed {recovery.one_worker_s:,.1f} s, time-out included"
    if found.load.zones > 1:
        yield f"  a zone lost       {recovery.a_zone_s:,.1f} s"
    yield (
        f"  all start anew    {recovery.everything_s:,.0f} s, "
        f"of which the network of the brokers asks for {recovery.network_s:,.0f}"
    )
    yield f"  a day of backlog  {recovery.day_s / 3_600:,.1f} h, all workers at work"


def _around(found: Capacity) -> Iterator[str]:
    around = found.around
    yield "beside them"
    yield (
        f"  learner           {around.examples_per_s:,.0f} examples/s, "
        f"{around.learner_cores:.1%} of a core"
    )
    yield f"  senders           {around.senders}, for {around.touches_per_s:,.1f} touches/s by day"


def _dollars(found: Capacity) -> Iterator[str]:
    yield "dollars a month"
    for name, dollars in found.dollars.items():
        yield f"  {name:<19} {dollars:>10,.0f}"
    yield f"  {'all':<19} {sum(found.dollars.values()):>10,.0f}"
    yield f"  per million users   {found.dollars_per_million:>9,.2f}"


def _ground(costs: Costs) -> Iterator[str]:
    yield "computed from"
    for name, source in SOURCES.items():
        value = getattr(costs, name)
        origin = source.figure or "counted"
        yield f"  {value:>13,.6g} {source.unit:<3} {source.what} ({origin})"


def _limits(ends: list[Limit]) -> Iterator[str]:
    yield "what ends first as it grows, machines added"
    for end in ends:
        yield f"  at {end.times:>6.1f} × {end.what}: {end.now:,.3g} of {end.most:,.3g} {end.unit}"


def in_json(found: Capacity, ends: list[Limit]) -> str:
    """Return an answer as JSON."""
    told = msgspec.to_builtins(found)
    told["limits"] = [{**end._asdict(), "times": end.times} for end in ends]
    return msgspec.json.format(msgspec.json.encode(told), indent=2).decode()
