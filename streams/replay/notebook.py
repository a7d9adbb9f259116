"""The notebook of a back-test: files of risk and alerts, written as the log goes by."""

from contextlib import ExitStack

import numpy as np

from streams.core.time import iso
from streams.replay.gathering import Scores
from streams.replay.points import Results
from streams.replay.report.silences import Names
from streams.replay.told import Alert


class Notebook:
    """Writes down risk and alerts.

    Args:
        risk: Where P(this silence reaches H) at every rescore goes.
        alerts: Where the alerts go.
        since_ms: What is earlier is not written.
        names: Of the users.
    """

    def __init__(self, risk: str | None, alerts: str | None, since_ms: int, names: Names) -> None:
        self._paths, self._since_ms, self._names = (risk, alerts), since_ms, names
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

    def risk(self, scores: Scores) -> None:
        """Write down P(this silence reaches H) of eligible users at rescores."""
        if self._risk is None:
            return
        names, late = self._names.all(), scores.at_ms >= self._since_ms
        at_ms = scores.at_ms[late].astype("<i8").astype("datetime64[ms]")
        times = np.datetime_as_string(at_ms).tolist()
        rows = zip(scores.users[late].tolist(), times, scores.reach[late].tolist(), strict=True)
        self._risk.writelines(
            f"{_quoted(names[user])},{time}Z,{probability!r}\n" for user, time, probability in rows
        )

    def alerts(self, alerts: list[Alert]) -> None:
        """Write down the cases that were opened."""
        if self._alerts is not None:
            self._alerts.writelines(
                f"{_quoted(alert.user_id)},{iso(alert.at_ms)}\n"
                for alert in alerts
                if alert.at_ms >= self._since_ms
            )


def _quoted(text: str) -> str:
    """Return a csv field."""
    if any(mark in text for mark in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
