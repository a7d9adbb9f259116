"""The console on a real Kafka: live, started again, made anew, and what people do with it."""

import json
import re
import sys
import time
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from deployed import Deployed
from worlds_of_topics import Record, state

from streams.console.store import content
from streams.console.tables import open_reader
from streams.core.time import DAY_MS

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


def model_of(deployed: Deployed) -> dict[str, list[tuple[object, ...]]]:
    (path,) = Path(deployed.env["WINBACK_DATA_DIR"]).rglob("read-model.sqlite")
    found = content(open_reader(path))
    found["partitions"] = [row[:-2] for row in found["partitions"]]
    return found


def someone(deployed: Deployed) -> tuple[str, str]:
    """Return id and name of a user at risk."""
    client = deployed.client()
    row = client.get("/now.csv").text.splitlines()[1].split(",")
    return row[0], row[1]


def test_what_comes_is_seen_within_two_seconds(deployed: Deployed) -> None:
    client = deployed.client()
    with client.stream("GET", "/live", params={"at": "/now"}) as answer:
        lines = answer.iter_lines()
        assert next(line for line in lines if line.startswith("data"))
        value = state(1, 1_760_000_000_000 + 3 * DAY_MS)
        began_s = time.monotonic()
        deployed.publish({"users": [Record(0, 0, 0, b"newcomer", value)]})
        name = None
        while name is None:
            line = next(line for line in lines if line.startswith("data"))
            found = client.post("/find", data={"user_id": "newcomer"})
            name = found.headers.get("location", "").removeprefix("/people/") or None
        seen_s = time.monotonic() - began_s
        assert name in line or client.get(f"/people/{name}").status_code == 200
    assert seen_s < 2.0


def test_a_console_that_is_started_again_goes_on_and_one_made_anew_is_equal(
    deployed: Deployed,
) -> None:
    live = model_of(deployed)
    deployed.stop()
    deployed.start()
    assert model_of(deployed) == live
    deployed.stop()
    deployed.start("--rebuild")
    anew = model_of(deployed)
    for table in live:
        assert anew[table] == live[table], table


def test_an_opt_out_goes_to_the_topic_of_feedback(deployed: Deployed) -> None:
    user_id, name = someone(deployed)
    deployed.act(deployed.client(), "opt-out", name=name)
    said = [json.loads(one.value) for one in deployed.records("feedback")
            if b"opted_out" in one.value and b'"provider":"console"' in one.value]  # fmt: skip
    assert [(one["user_id"], one["touch_id"]) for one in said] == [(user_id, "")]


def test_an_erasure_asks_for_the_id_and_goes_to_the_topic_of_activity(deployed: Deployed) -> None:
    user_id, name = someone(deployed)
    client = deployed.client()
    deployed.act(client, "erase", name=name, typed="somebody else")
    assert deployed.records("activity") == []
    deployed.act(client, "erase", name=name, typed=user_id)
    (wish,) = deployed.records("activity")
    assert json.loads(wish.value)["user_id"] == user_id
    mine = [one for one in deployed.records("decisions")
            if one.value and json.loads(one.value).get("user_id") == user_id]  # fmt: skip
    gone = {one.key for one in deployed.records("decisions") if one.value is None}
    assert {one.key for one in mine} <= gone


def test_orders_go_to_the_topic_of_control_with_who_gave_them(deployed: Deployed) -> None:
    client = deployed.client("Zhang San")
    deployed.act(client, "order", key="pause/channel/sms", value="on")
    deployed.act(client, "order", key="stop", value="on", typed="STOP")
    deployed.act(client, "order", key="stop", value="off")
    deployed.act(client, "order", key="pause/channel/pigeon", value="on")  # nobody has any
    said = [json.loads(one.value) for one in deployed.records("control")][1:]
    assert [(one["key"], one["value"], one["by"]) for one in said] == [
        ("pause/channel/sms", "on", "Zhang San (console)"),
        ("stop", "on", "Zhang San (console)"), ("stop", "off", "Zhang San (console)"),
    ]  # fmt: skip


def test_a_call_is_taken_by_one_of_two_and_its_outcome_is_feedback(deployed: Deployed) -> None:
    record = next(one for one in deployed.world["touches"] if b'"channel":"call"' in
                  (one.value or b""))  # fmt: skip
    touch = json.loads(record.value or b"") | {
        "touch_id": "call-of-today", "not_before": "2025-10-12T08:00:00.000Z",
        "expires_at": "2025-10-13T08:00:00.000Z",
    }  # fmt: skip
    user_id, _ = someone(deployed)
    touch["user_id"] = user_id
    value = msgspec.json.encode(touch)
    deployed.publish({"touches": [Record(0, 0, 0, user_id.encode(), value)]})
    li, zhang = deployed.client("Li Wei"), deployed.client("Zhang San")
    end_s = time.monotonic() + 10
    while "call-of-today" not in li.get("/calls").text:
        assert time.monotonic() < end_s
        time.sleep(0.2)
    deployed.act(li, "claim", touch_id="call-of-today")
    deployed.act(zhang, "claim", touch_id="call-of-today")
    assert "taken it meanwhile" in zhang.get("/calls").text
    assert 'value="promised"' in li.get("/calls").text
    assert 'value="promised"' not in zhang.get("/calls").text
    deployed.act(zhang, "outcome", touch_id="call-of-today", outcome="refused")
    deployed.act(li, "outcome", touch_id="call-of-today", outcome="promised")
    said = [json.loads(one.value) for one in deployed.records("feedback")
            if b"call-of-today" in one.value]  # fmt: skip
    assert [(one["status"], one["outcome"], one["user_id"]) for one in said] == [
        ("handled", "promised", user_id)
    ]
    while "call-of-today" in li.get("/calls").text:
        assert time.monotonic() < end_s + 10, "what is settled is on nobody's list"
        time.sleep(0.2)


def test_a_dead_letter_is_shown_and_discarded_with_a_reason(deployed: Deployed) -> None:
    client = deployed.client()
    page = client.get("/health").text
    place = re.search(r"/letters\?place=([^\"]+)\"", page)
    assert place is not None
    assert "not_decodable" in client.get(f"/letters?place={place[1]}").text
    deployed.act(client, "letters", what="replayed", reason="not_decodable", topic="user-activity")
    deployed.act(client, "letters", what="discarded", reason="not_decodable", because="a test",
                 topic="user-activity")  # fmt: skip
    words = [json.loads(one.value) for one in deployed.records("letters")
             if dict(one.headers).get("winback.letter.word")]  # fmt: skip
    assert [(one["what"], one["by"], one["reason"]) for one in words] == [
        ("discarded", "Li Wei (console)", "a test")
    ]
