"""A small log with people who leave, for tests: seeded, sorted, with and without money."""

import random
from pathlib import Path

from streams.replay.instants import short_iso

DAY_MS = 86_400_000
START_MS = 1_483_228_800_000  # 2017-01-01


def rows(users: int, days: int, seed: int = 7) -> list[tuple[int, str, str, str]]:
    """Return (at_ms, user_id, event, amount) of users with rhythms of their own, sorted."""
    chance = random.Random(seed)
    made = []
    for number in range(users):
        gap = chance.uniform(0.5, 9.0)
        at = START_MS + chance.uniform(0, 10) * DAY_MS
        leaves = START_MS + chance.uniform(0.3, 1.4) * days * DAY_MS
        while at < min(leaves, START_MS + days * DAY_MS):
            kind = "visit" if chance.random() < 0.3 else "purchase"
            amount = "" if kind == "visit" else f"{chance.uniform(1, 90):.2f}"
            made.append((int(at) // 1_000 * 1_000, f"用户{number}", kind, amount))
            at += chance.expovariate(1 / gap) * DAY_MS
    return sorted(made)


def log(path: Path, made: list[tuple[int, str, str, str]]) -> str:
    """Write rows as a csv and return its path."""
    lines = [f"{user},{short_iso(at)},{event},{amount}" for at, user, event, amount in made]
    path.write_text("\n".join(["user_id,ts,event,amount", *lines, ""]), encoding="utf-8")
    return str(path)
