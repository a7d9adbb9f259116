"""Gaps of a log that are known: outages of the source, and spans in which a user is not observed.

A file of them is csv with the columns ``from,to`` and, for gaps of one user, ``user_id``; or JSON
as a census of a log writes it: ``{"missing_ranges": [["2006-07-21", "2006-07-22", 2]]}``, days that
are missing, both included.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

from streams.core.inputs import ObservationPaused
from streams.core.outages import NEVER, Outages, Span, edge_ms
from streams.core.time import DAY_MS
from streams.errors import UserError
from streams.replay.opening import Opened, opened

HINT: Final = (
    "a coverage file is csv with the columns from,to and perhaps user_id, or JSON with "
    "missing_ranges: [[first day, last day, days], …]"
)
DATES: Final = 2  # Of a missing range: its first and its last day.


class Gaps(NamedTuple):
    """What is known to be missing.

    Attributes:
        outages: Of the whole source.
        pauses: Of single users, in order of their begin.
    """

    outages: tuple[Span, ...] = ()
    pauses: tuple[ObservationPaused, ...] = ()

    def is_seen(
        self, user_ids: Sequence[str], since_ms: NDArray[np.float64], until_ms: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Return of whom nothing is missing between two instants, shape (users,)."""
        seen: NDArray[np.bool_] = Outages(self.outages).lost(since_ms, until_ms) == 0.0
        if self.pauses:
            away: defaultdict[str, list[Span]] = defaultdict(list)
            for pause in self.pauses:
                away[pause.user_id].append((pause.from_ms, pause.to_ms))
            for place, user_id in enumerate(user_ids):
                since, until = since_ms[place], until_ms[place]
                seen[place] &= not any(a < until and since < b for a, b in away.get(user_id, ()))
        return seen

    def summary(self) -> dict[str, float]:
        """Return how much is missing; an outage that is not over counts without its length."""
        spans = Outages(self.outages)
        days = (spans.ends - spans.starts[:-1]) / DAY_MS
        return {
            "outages": len(days),
            "outage_days": round(float(days[np.isfinite(days)].sum()), 2),
            "users_away": len({pause.user_id for pause in self.pauses}),
        }


NO_GAPS: Final = Gaps()


def read_gaps(path: str) -> Gaps:
    """Read a file of known gaps.

    Raises:
        UserError: It cannot be read, or an entry is no gap; with its line.
    """
    with opened(path) as source:
        is_csv = source.head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] not in {b"{", b"["}
        return _gaps(path, _csv_rows(path, source) if is_csv else _json_rows(path, source))


class _Row(NamedTuple):
    line: int
    user_id: str
    start_ms: float
    end_ms: float


def _csv_rows(path: str, source: Opened) -> Iterable[_Row]:
    reader = csv.DictReader(source.text, skipinitialspace=True, restval="")
    if not {"from", "to"} <= set(reader.fieldnames or ()):
        raise UserError(f"{path}, line 1: no columns from and to", HINT)
    for row in reader:
        line = reader.line_num
        try:
            start_ms, end_ms = edge_ms(row["from"]), edge_ms(row["to"])
        except ValueError as error:
            raise UserError(f"{path}, line {line}: {error}", HINT) from None
        yield _Row(line, row.get("user_id", ""), start_ms, end_ms)


def _json_rows(path: str, source: Opened) -> Iterable[_Row]:
    text = source.text.read()
    try:
        node, data = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f", line {mark.line + 1}"
        raise UserError(f"{path}{where}: this is not JSON", HINT) from None
    ranges = data.get("missing_ranges") if isinstance(data, dict) else None
    if not isinstance(ranges, list) or not isinstance(node, yaml.MappingNode):
        raise UserError(f"{path}, line 1: no list missing_ranges", HINT)
    nodes = next(value.value for name, value in node.value if name.value == "missing_ranges")
    for entry, its in zip(ranges, nodes, strict=True):
        line = its.start_mark.line + 1
        try:
            first, last = (edge_ms(day) for day in entry[:DATES])
        except (ValueError, TypeError) as error:
            raise UserError(f"{path}, line {line}: {error}", HINT) from None
        yield _Row(line, "", first, last + DAY_MS)


def _gaps(path: str, rows: Iterable[_Row]) -> Gaps:
    outages: list[Span] = []
    pauses: list[tuple[float, str, float, int]] = []
    for line, user_id, start_ms, end_ms in rows:
        if not start_ms < end_ms:
            raise UserError(f"{path}, line {line}: it ends before it begins", "write from < to")
        if user_id:
            pauses.append((start_ms, user_id, end_ms, line))
        else:
            outages.append((start_ms, end_ms))
    until_ms: dict[str, float] = {}
    for start_ms, user_id, end_ms, line in sorted(pauses):
        if start_ms < until_ms.get(user_id, -NEVER):
            what = f"{path}, line {line}: user {user_id} is away twice at the same time"
            raise UserError(what, "join the two rows")
        until_ms[user_id] = end_ms
    return Gaps(
        tuple(outages),
        tuple(
            ObservationPaused(user_id, max(0, int(start_ms)), start_ms, end_ms)
            for start_ms, user_id, end_ms, _ in sorted(pauses)
        ),
    )
