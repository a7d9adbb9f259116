"""A synthetic customer log: deterministic, with personal rhythms, purchases, and users who leave.

    python -m benchmarks.workload OUT.csv --users 50000 --days 60 --seed 1

Users differ in how often they come (log-normal mean gap), how regularly (gamma gaps), how much they
do on a day, when they joined and when they silently left (exponential lifetime). So there is
something to learn, the timers of silent users run, and cases open and close.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from streams.core.partitioner import partition_of

START: Final = np.datetime64("2026-03-01T00:00:00", "s")
DAY_S: Final = 86_400
KINDS: Final = ("view", "cart", "purchase", "refund", "complaint")
KIND_SHARES: Final = (0.74, 0.12, 0.12, 0.012, 0.008)
HOT_SHARE: Final = 0.2
ZIPF: Final = 1.5
FULL_TIMES: Final = 10
SKEWS: Final = ("hot", "zipf", "partition")
PAID: Final = (KINDS.index("purchase"), KINDS.index("refund"))


class Shape(NamedTuple):
    """What a log is made of.

    Attributes:
        users: How many.
        days: Span of event time.
        seed: Same seed, same bytes.
        gap_days: Median over users of the mean gap between active days.
        per_day: Mean number of events of an active day.
        life_days: Mean time until a user silently leaves.
    """

    users: int
    days: int
    seed: int
    gap_days: float = 3.2
    per_day: float = 2.2
    life_days: float = 240.0


class Log(NamedTuple):
    """Events in order of time, as columns: user number, epoch s, kind, amount."""

    users: np.ndarray
    times_s: np.ndarray
    kinds: np.ndarray
    amounts: np.ndarray


def make_log(shape: Shape) -> Log:
    """Return the events of a log."""
    chance = np.random.default_rng(shape.seed)
    who, day = _active_days(shape, chance)
    liveliness = chance.gamma(2.0, (shape.per_day - 1.0) / 2.0, shape.users)
    count = 1 + chance.poisson(liveliness[who])
    users, days = np.repeat(who, count), np.repeat(day, count)
    begins = np.repeat(chance.normal(15.0, 4.0, len(who)), count) + chance.exponential(
        0.4, len(users)
    )
    times = days * DAY_S + (np.clip(begins, 0.0, 23.99) * 3_600).astype(np.int64)
    kinds = chance.choice(len(KINDS), len(users), p=KIND_SHARES)
    spend = chance.lognormal(3.5, 0.8, shape.users)
    amounts = np.where(
        np.isin(kinds, PAID), spend[users] * chance.lognormal(0.0, 0.5, len(users)), 0.0
    )
    order = np.lexsort((users, times))
    times_s = START.astype(np.int64) + times[order]
    return Log(users[order], times_s, kinds[order], np.round(amounts[order], 2))


def _active_days(shape: Shape, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return user and day number of every active day."""
    gap = np.clip(chance.lognormal(np.log(shape.gap_days), 0.6, shape.users), 0.5, shape.days / 2)
    joined = np.where(
        chance.random(shape.users) < 0.85,
        chance.random(shape.users) * np.minimum(gap, shape.days / 4),
        chance.random(shape.users) * shape.days * 0.8,
    )
    left = joined + chance.exponential(shape.life_days, shape.users)
    instant, numbers = joined.copy(), np.arange(shape.users)
    parts = []
    while len(numbers):
        parts.append((numbers, np.floor(instant).astype(np.int64)))
        instant = instant + chance.gamma(1.5, gap[numbers] / 1.5) + 0.05
        stays = (instant < shape.days) & (instant < left[numbers])
        numbers, instant = numbers[stays], instant[stays]
    who, day = (np.concatenate(column) for column in zip(*parts, strict=True))
    once = np.unique(who * (shape.days + 1) + day)
    return once // (shape.days + 1), once % (shape.days + 1)


def skewed(log: Log, skew: str, partitions: int) -> Log:
    """Return a log whose events are given to other users: a few have much more than the others.

    Args:
        log: Whose times, kinds and amounts are kept.
        skew: ``hot``: one user has a fifth of all; ``zipf``: the n-th user has n**-1.5 times what
            the first has; ``partition``: one partition has ten times what each other has.
        partitions: Of the topic.
    """
    chance, count = np.random.default_rng(7), int(log.users.max()) + 1
    users = log.users.copy()
    if skew == "hot":
        users[chance.random(len(users)) < HOT_SHARE] = 0
    elif skew == "zipf":
        weights = np.arange(1, count + 1) ** -ZIPF
        users = chance.choice(count, len(users), p=weights / weights.sum())
    else:
        assert skew == "partition", f"{skew!r} is no skew"
        where = np.array([partition_of(user_id(number), partitions) for number in range(count)])
        outside = where[users] != 0
        stays = (partitions - 1) / (FULL_TIMES + partitions - 1) / np.mean(outside)
        goes = outside & (chance.random(len(users)) > stays)
        users[goes] = chance.choice(np.flatnonzero(where == 0), np.count_nonzero(goes))
    return log._replace(users=users)


def user_id(number: int) -> str:
    """Return the id of a user."""
    return f"user-{number:08d}"


def write_csv(log: Log, path: Path, name_of: Callable[[int], str] = user_id) -> int:
    """Write a log as ``winback feed`` reads it; return the number of events."""
    stamps = np.datetime_as_string(log.times_s.astype("datetime64[s]"), timezone="UTC")
    names = [name_of(number) for number in range(int(log.users.max()) + 1)]
    rows = zip(
        log.users.tolist(), stamps.tolist(), log.kinds.tolist(), log.amounts.tolist(), strict=True
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as out:
        out.write("user_id,ts,event,amount\n")
        for who, stamp, kind, amount in rows:
            paid = amount if kind in PAID else ""
            out.write(f"{names[who]},{stamp},{KINDS[kind]},{paid}\n")
    return len(log.users)


def steady_log(users: int, days: int, seed: int, from_s: int) -> Log:
    """Return what users do from an instant on who have long been there: none joins, none leaves."""
    chance = np.random.default_rng(seed)
    gap = np.clip(chance.lognormal(np.log(3.2), 0.6, users), 1.0, 30.0)
    who, day = np.nonzero(chance.random((users, days)) < 1.0 / gap[:, None])
    count = 1 + chance.poisson(1.2, len(who))
    who, day = np.repeat(who, count), np.repeat(day, count)
    times_s = from_s + day * DAY_S + chance.integers(0, DAY_S, len(who))
    kinds = chance.choice(len(KINDS), len(who), p=KIND_SHARES)
    amounts = np.where(np.isin(kinds, PAID), chance.lognormal(3.5, 0.9, len(who)), 0.0)
    order = np.lexsort((who, times_s))
    return Log(who[order], times_s[order], kinds[order], np.round(amounts[order], 2))


def cached_csv(shape: Shape, directory: Path, skew: str = "", partitions: int = 4) -> Path:
    """Return the csv of a shape, made once, and skewed if it is said how."""
    name = "-".join(map(str, [*shape, *filter(None, [skew])]))
    path = directory / f"log-{name}.csv"
    if not path.exists():
        draft = path.with_suffix(".part")
        log = make_log(shape)
        write_csv(skewed(log, skew, partitions) if skew else log, draft)
        draft.replace(path)
    return path


def main() -> None:
    """Write a log."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    log = make_log(Shape(args.users, args.days, args.seed))
    active = np.unique(log.users * 100_000 + log.times_s // DAY_S) // 100_000
    days = np.bincount(active, minlength=args.users)
    print(f"{write_csv(log, args.out):,} events, {args.users:,} users, "
          f"{np.mean(days >= 5):.0%} with five active days or more")  # fmt: skip


if __name__ == "__main__":
    main()
