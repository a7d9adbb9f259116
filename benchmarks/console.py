"""The console with a million users at risk: first paint, filters, memory, 50 browsers.

    python -m benchmarks.console [--users 1000000] [--readers 50]

A process of its own serves a read model that was filled here, while a thread of it writes 2,000
changed users a second, as a busy service would have it. Kafka is left out: what is measured is the
database, the columns, the pages and their pushes. `tests/integration/console` has Kafka.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np

HOUSE: Final = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HOUSE / "tests" / "unit" / "console")]

WRITES_PER_S: Final = 2_000
REQUESTS: Final = 20
FILTERS: Final = (
    "", "?tier=top", "?source=s3", "?tier=top&source=s3&reason=silence&playbook=p1",
    "?cohort=2026-03&band=2", "?quadrant=important_urgent", "?tier=low&source=none",
    "?begin=500000",
)  # fmt: skip


def fill(path: Path, users: int) -> float:
    """Fill a read model; return the seconds that it took."""
    from worlds_of_topics import RULES  # noqa: PLC0415

    from streams.console.projection import made_by  # noqa: PLC0415
    from streams.console.tables import open_model  # noqa: PLC0415

    db = open_model(path, made_by(RULES))
    draw = np.random.default_rng(1)
    tiers, quads = ("top", "high", "regular", "low"), (
        "important_urgent", "important_calm", "ordinary_urgent", "ordinary_calm")  # fmt: skip
    reasons = ("silence", "rhythm", "return_habit", "frequency,silence", "recency", "value")
    began_s = time.perf_counter()
    for begin in range(0, users, 50_000):
        count = min(50_000, users - begin)
        tier, quad, source, month, reason, book, band = (
            draw.integers(0, most, count) for most in (4, 4, 12, 12, 6, 4, 2)
        )
        loss, risk = draw.lognormal(9, 1.3, count), draw.random(count)
        rows = [
            (f"u{begin + i}", f"{begin + i:032d}", int(band[i]) + 1, "at_risk", float(risk[i]),
             int(loss[i]), 1_750_000_000_000, f"2026-{month[i] + 1:02d}", f"s{source[i]}",
             f"c{begin + i}" if book[i] else "", f"p{book[i]}" if book[i] else "",
             tiers[tier[i]], quads[quad[i]], reasons[reason[i]], float(risk[i]))
            for i in range(count)
        ]  # fmt: skip
        db.execute("BEGIN")
        db.executemany(
            "INSERT INTO users (user_id, name, band, stage, risk, loss, last_ms, cohort, source, "
            "case_id, playbook, tier, quadrant, reasons, probability) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows,
        )  # fmt: skip
        db.execute("COMMIT")
    db.close()
    return time.perf_counter() - began_s


def serve(folder: Path) -> None:
    """Serve it, and write as a feed would, until the standard input ends."""
    from served import Served  # noqa: PLC0415
    from worlds_of_topics import RULES, state  # noqa: PLC0415

    from streams.console.changes import Change  # noqa: PLC0415
    from streams.console.of_state import changes_of  # noqa: PLC0415
    from streams.console.projection import STREAMS, Record  # noqa: PLC0415
    from streams.console.tables import open_reader  # noqa: PLC0415

    began_s = time.perf_counter()
    with Served(folder, world={stream: [] for stream in STREAMS}) as served:
        sys.stdout.write(f"{served.base} {time.perf_counter() - began_s:.2f}\n")
        sys.stdout.flush()
        over = threading.Event()

        def write() -> None:
            db, number, late = open_reader(served.store.path), 0, []
            while not over.is_set():
                begin_s = time.perf_counter()
                found: list[Change] = []
                for _ in range(WRITES_PER_S // 5):
                    number = (number + 7_919) % 1_000_000
                    value = state(number, 1_760_000_000_000 + number, band=number % 3)
                    found += changes_of(Record(0, 0, 0, f"u{number}".encode(), value), RULES,
                                        lambda user_id: f"{int(user_id[1:]):032d}")  # fmt: skip
                served.at_risk.refresh(db, served.store.apply(found, {}))
                served.progress.version += 1
                late.append(time.perf_counter() - begin_s)
                over.wait(max(0.0, 0.2 - late[-1]))
            sys.stderr.write(json.dumps({"batch_s": statistics.median(late)}) + "\n")

        writer = threading.Thread(target=write)
        sys.stdin.readline()  # Who asks measures the quiet pages first.
        writer.start()
        sys.stdin.read()
        over.set()
        writer.join()


def rss_mb(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(text.split("VmRSS:")[1].split()[0]) / 1_024


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100.0


async def read_live(base: str, readers: int, seconds: float) -> int:
    """Follow the page as so many browsers do; return the pushes that came."""

    async def follow(number: int) -> int:
        pushes = 0
        query = FILTERS[number % len(FILTERS)]
        async with (
            httpx.AsyncClient(timeout=60) as client,
            client.stream("GET", f"{base}/live", params={"at": f"/now{query}"}) as answer,
        ):
            end_s = time.perf_counter() + seconds
            async for line in answer.aiter_lines():
                pushes += line.startswith("event: page")
                if time.perf_counter() > end_s:
                    break
        return pushes

    return sum(await asyncio.gather(*(follow(number) for number in range(readers))))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--users", type=int, default=1_000_000)
    asked.add_argument("--readers", type=int, default=50)
    asked.add_argument("--serve", type=Path)
    options = asked.parse_args()
    if options.serve:
        serve(options.serve)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found: dict[str, Any] = {"users": options.users}
        found["fill_s"] = round(fill(folder / "model.sqlite", options.users), 1)
        command = [sys.executable, "-m", "benchmarks.console", "--serve", name]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdin is not None
        assert child.stdout is not None
        base, start_s = child.stdout.readline().decode().split()
        found["start_s"] = float(start_s)
        with httpx.Client(base_url=base, timeout=60) as client:
            client.get("/now")
            for query in FILTERS:
                times, begin_cpu = [], cpu_s(child.pid)
                for place in range(REQUESTS):
                    begin_s = time.perf_counter()
                    mark = f"{'&' if query else '?'}x={place}"  # No answer is kept for it.
                    assert client.get(f"/now{query}{mark}").status_code == 200
                    times.append((time.perf_counter() - begin_s) * 1e3)
                found[f"/now{query}, ms"] = {
                    "median": round(statistics.median(times)), "max": round(max(times)),
                    "cpu": round((cpu_s(child.pid) - begin_cpu) * 1e3 / REQUESTS),
                }  # fmt: skip
            found["rss_mb"] = round(rss_mb(child.pid))
            child.stdin.write(b"go\n")
            child.stdin.flush()
            time.sleep(2.0)
            begin_cpu, begin_s = cpu_s(child.pid), time.perf_counter()
            pushes = asyncio.run(read_live(base, options.readers, 20.0))
            passed_s = time.perf_counter() - begin_s
            cores = round((cpu_s(child.pid) - begin_cpu) / passed_s, 2)
            found["live"] = {"readers": options.readers, "pushes": pushes, "cores": cores}
            found["rss_mb_live"] = round(rss_mb(child.pid))
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        child.stdin.close()
        child.wait(120)


if __name__ == "__main__":
    main()
