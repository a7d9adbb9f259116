"""A log as the history of users whose rules change."""

from pathlib import Path

from models.features import Rhythm
from streams.core.history import History
from streams.core.rules_file import parse_rules
from streams.core.state import Column, decode
from streams.core.time import DAY_MS
from streams.replay.files import EventLog
from streams.replay.past import tell

RULES = parse_rules("churn: {horizon: 10d, activity: [view, purchase]}\nkinds: [view]")
START_MS = 1_483_228_800_000


def test_a_log_is_folded_by_the_new_rules_and_what_is_left_out_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = [("ada", day, "view" if day % 2 else "purchase", "3.50") for day in range(6)]
    rows += [("ada", 6, "ignored", ""), ("ada", 6.5, "purchase", "-1"), ("bo", 7, "ignored", "")]
    lines = [f"{user},{round(START_MS + day * DAY_MS)},{name},{amount}"
             for user, day, name, amount in rows]  # fmt: skip
    path.write_text("\n".join(["user_id,ts,event,amount", *lines]), "utf-8")
    history = History(RULES)
    left_out = tell(history, EventLog(str(path)).blocks(), RULES, START_MS + 9 * DAY_MS)

    ada = decode(history.values["ada"])
    assert (history.events, ada[Column.EVENTS], ada[Rhythm.ACTIVE_DAYS]) == (6, 6.0, 6.0)
    assert ada[Column.VALUE_NET] == 1_050
    assert 0.0 < ada[Rhythm.KIND0] < 3.0
    assert left_out == {"not_activity": 2, "bad_amount": 1}
    assert history.values.keys() == {"ada"}
