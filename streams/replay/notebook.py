"""The notebook of a back-test: risk and alerts as they come; the observer of the partitions."""

from contextlib import ExitStack
from math import inf

import numpy as np

from streams.core.scoring import F64
from streams.core.time import iso
from streams.replay.points import Results
from streams.replay.report.notes import Notes


class Notebook:
    """Writes down risk and alerts as they come.

    Args:
        risk: Where P(this silence reaches H) at every rescore goes.
        alerts: Where the alerts go.
        since_ms: What is earlier is not written.
        notes: They hear of everything, too.
    """

    def __init__(
        self, risk: str | None, alerts: str | None, since_ms: int, notes: Notes | None
    ) -> None:
        self._paths, self._notes = (risk, alerts), notes
        self._since_ms, self._until_ms = since_ms, inf
        self._open = ExitStack()
        self._risk: Results | None = None
        self._alerts: Results | None = None

    def __enter__(self) -> None:
        """Open the files."""
        risk, alerts = self._paths
        if risk is not None:
            self._risk = self._open.enter_context(Results(risk))
            self._risk.write("user_id,at,probability\n")
        if alerts is not None:
            self._alerts = self._open.enter_context(Results(alerts))
            self._alerts.write("user_id,at\n")

    def __exit__(self, *_: object) -> None:
        """Close the files."""
        self._open.close()

    def close(self, newest_ms: int) -> None:
        """Write down nothing that is later: the log has ended, and its silence is nobody's."""
        self._until_ms = newest_ms

    def risk(self, user_ids: list[str], at_ms: F64, reach: F64) -> None:
        """Write down P(this silence reaches H) of eligible users at a rescore."""
        if (late := at_ms > self._until_ms).any():
            user_ids = [user_ids[place] for place in np.flatnonzero(~late).tolist()]
            at_ms, reach = at_ms[~late], reach[~late]
        if self._notes is not None:
            self._notes.risk(user_ids, at_ms, reach)
        if self._risk is None:
            return
        times = np.datetime_as_string(at_ms.astype("<i8").astype("datetime64[ms]")).tolist()
        rows = zip(user_ids, at_ms.tolist(), times, reach.tolist(), strict=True)
        self._risk.writelines(
            f"{_quoted(user_id)},{time}Z,{probability!r}\n"
            for user_id, at, time, probability in rows
            if at >= self._since_ms
        )

    def alert(self, user_id: str, at_ms: int) -> None:
        """Write down that a case was opened."""
        if at_ms > self._until_ms:
            return
        if self._notes is not None:
            self._notes.alert(user_id, at_ms)
        if self._alerts is not None and at_ms >= self._since_ms:
            self._alerts.write(f"{_quoted(user_id)},{iso(at_ms)}\n")


def _quoted(text: str) -> str:
    """Return a csv field."""
    if any(mark in text for mark in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
