"""What Prometheus sees in the stories of a deployment, and which alerts are to come of it.

Series are in promtool's notation: ``a+bxn`` is a, a+b, … n steps on; ``_`` is a scrape that failed.
A scrape is every ten seconds, so ``x12`` are two minutes.
"""

from typing import Final, NamedTuple

Labels = dict[str, str]
Firing = tuple[str, Labels]
"""Name of an alert, and its labels."""

PAGE: Final = {"severity": "page"}
TICKET: Final = {"severity": "ticket"}
W1: Final = 'job="winback",instance="w1",role="worker"'
W2: Final = 'job="winback",instance="w2",role="worker"'
LEARNER: Final = 'job="winback",instance="l1",role="learner"'
SENDER: Final = 'job="winback",instance="s1",role="sender"'
ACTIVITY: Final = 'topic="user-activity"'


class Story(NamedTuple):
    """What is seen, and what comes of it.

    Attributes:
        name: A sentence.
        seen: Series that differ from `HEALTHY`, or come to it; None = it is not there.
        fires: Every alert that there is.
        at: When.
        interval: Between two scrapes.
    """

    name: str
    seen: dict[str, str | None]
    fires: list[Firing]
    at: str = "12m"
    interval: str = "10s"


def _worker(target: str, partitions: str) -> dict[str, str | None]:
    return {
        f"up{{{target}}}": "1x500",
        f'winback_info{{{target},service="pipeline",version="1"}}': "1x500",
        f'winback_rules_in_force{{{target},version="a"}}': "1x500",
        f"winback_partitions{{{target}}}": "4x500",
        f"winback_partitions_owned{{{target}}}": "2x500",
        f"winback_live{{{target}}}": "1x500",
        f"winback_kafka_away{{{target}}}": "0x500",
        f"winback_schema_registry_away{{{target}}}": "0x500",
        f"winback_fuse_blown{{{target}}}": "0x500",
        f"winback_rules_refused_total{{{target}}}": "0x500",
        f"winback_users_max{{{target}}}": "1000x500",
        f"process_start_time_seconds{{{target}}}": "100x500",
        f'winback_model_phase{{{target},phase="fallen_back"}}': "0x500",
        f'winback_model_phase{{{target},phase="learned"}}': "1x500",
        f"winback_touch_seconds_count{{{target}}}": "0+10x500",
        f'winback_touch_seconds_bucket{{{target},le="1.0"}}': "0+10x500",
        **{
            f"winback_{name}{{{target},{labels}}}": values
            for number in partitions
            for name, labels, values in (
                ("records_applied_total", f'partition="{number}"', "0+1000x500"),
                ("lag_seconds", f'{ACTIVITY},partition="{number}"', "0x500"),
                ("users", f'partition="{number}"', "500x500"),
            )
        },
    }


HEALTHY: Final[dict[str, str | None]] = {
    **_worker(W1, "01"), **_worker(W2, "23"),
    f"up{{{LEARNER}}}": "1x500",
    f'winback_info{{{LEARNER},service="learner",version="1"}}': "1x500",
    f"winback_partitions{{{LEARNER}}}": "1x500",
    f"winback_partitions_owned{{{LEARNER}}}": "1x500",
    f"winback_live{{{LEARNER}}}": "1x500",
    f"winback_kafka_away{{{LEARNER}}}": "0x500",
    f"up{{{SENDER}}}": "1x500",
    f'winback_sender_breaker_open{{{SENDER},provider="aliyun"}}': "0x500",
    f"winback_sender_feedback_owed_seconds{{{SENDER}}}": "0x500",
}  # fmt: skip
"""Two workers, a learner and a sender, for 83 minutes, or longer where scrapes are rarer."""

LAG: Final = f'winback_lag_seconds{{{W1},{ACTIVITY},partition="0"}}'
HELD: Final = f"winback_input_held{{{W1},{ACTIVITY}}}"
REJECTED: Final = f'winback_records_rejected_total{{{W1},{ACTIVITY},reason="not_decodable"}}'
IN_TIME: Final = f'winback_touch_seconds_bucket{{{W1},le="1.0"}}'
START: Final = f"process_start_time_seconds{{{W1}}}"


def gone(target: str) -> dict[str, str | None]:
    """Return that a target answers for ten minutes, and then no more: its series are stale."""
    series = {name: values.replace("x500", "x60 stale") for name, values in HEALTHY.items()
              if target in name and values}  # fmt: skip
    return {**series, f"up{{{target}}}": "1x60 0x90"}


def of_both(name: str, values: str) -> dict[str, str | None]:
    """Return the same of both workers."""
    return {f"{name}{{{target}}}": values for target in (W1, W2)}


STORIES: Final = (
    Story("all is well", {}, []),
    Story(
        "no process is known", dict.fromkeys(HEALTHY), [("WinbackNotScraped", PAGE)]
    ),
    Story(
        "for a minute nothing was scraped",
        {name: f"{values} _x6 {values}" for name, values in HEALTHY.items()}, [],
    ),
    Story(
        "the sender is down", gone(SENDER),
        [("WinbackRoleDown", {**PAGE, "job": "winback", "role": "sender"})],
    ),
    Story(
        "one of two workers is down, and the other has taken over",
        {**gone(W1), f"winback_partitions_owned{{{W2}}}": "2x60 4x90"},
        [("WinbackProcessDown",
          {**TICKET, "job": "winback", "instance": "w1", "role": "worker"})],
    ),
    Story(
        "a worker is started anew, which takes half a minute",
        {f"up{{{W1}}}": "1x67 0x3 1x80", START: "100x70 1300x80"}, [],
    ),
    Story(
        "a worker crashes again and again",
        {START: "100x30 400x10 500x10 600x10 700x90"},
        [("WinbackCrashLoop", {**PAGE, "job": "winback", "instance": "w1", "role": "worker"})],
    ),
    Story(
        "a worker has work and does nothing",
        {f"winback_live{{{W1}}}": "1x65 0x90", LAG: "0x62 10+10x90"},
        [("WinbackStuck", {**PAGE, "job": "winback", "instance": "w1", "role": "worker"})],
    ),
    Story(
        "nobody owns the partitions of who has left",
        {**gone(W1), f"up{{{W1}}}": None, f"winback_info{{{W1}}}": None,
         f"winback_partitions_owned{{{W2}}}": "2x500"},
        [("WinbackPartitionsUnowned", {**PAGE, "service": "pipeline"})],
        at="16m",
    ),
    Story(
        "partitions are on the move for two minutes",
        {f"winback_partitions_owned{{{W1}}}": "2x60 0x12 2x90"}, [],
    ),
    Story(
        "a partition is nearly full",
        {f'winback_users{{{W1},partition="1"}}': "901x500"},
        [("WinbackStateFull", {**TICKET, "partition": "1"})],
    ),
    Story(
        "a partition has many users", {f'winback_users{{{W1},partition="1"}}': "899x500"}, []
    ),
    Story(
        "Kafka is away, and each worker starts anew after a minute",
        {
            **of_both("winback_kafka_away", "0x60 1x6 _ 1x90"),
            **of_both("up", "1x66 0 1x90"),
            f"winback_kafka_away{{{LEARNER}}}": "0x60 1x90",
            f"winback_sender_feedback_owed_seconds{{{SENDER}}}": "0x60 10+10x90",
            **{name: "0x60 10+10x6 stale" for name in HEALTHY if name.startswith("winback_lag")},
        },
        [("WinbackKafkaAway", PAGE)],
    ),
    Story(
        "Kafka is away for twenty seconds", of_both("winback_kafka_away", "0x68 1x2 0x90"), []
    ),
    Story(
        "a producer writes garbage, and its topic is held",
        {
            f"winback_input_held{{{W1},{ACTIVITY}}}": "_x65 2x90",
            f"winback_input_held{{{W2},{ACTIVITY}}}": "_x65 2x90",
            REJECTED: "0x60 200+200x4 1000x90",
            **{name: "0x65 10+10x90" for name in HEALTHY if name.startswith("winback_lag")},
        },
        [("WinbackInputHeld", {**PAGE, "topic": "user-activity"})],
    ),
    Story(
        "a fuse was blown and mended within twenty seconds",
        {HELD: "_x67 2x1 stale"}, [],
    ),
    Story(
        "five of a hundred records cannot be used",
        {REJECTED: "0+200x500"}, [("WinbackInputRejected", PAGE)],
    ),
    Story("five of ten thousand records cannot be used", {REJECTED: "0+2x500"}, []),
    Story(
        "garbage of an hour ago is no reason to get up",
        {REJECTED: "0+1000x30 30000x500"}, [], at="60m",
    ),
    Story(
        "for days two of a thousand records cannot be used",
        {f"up{{{W1}}}": "1x600", REJECTED: "0+8x600",
         f'winback_records_applied_total{{{W1},partition="0"}}': "0+1000x600"},
        [("WinbackInputRejected", TICKET)],
        at="75h", interval="10m",
    ),
    Story(
        "one of three touches takes longer than a second",
        {IN_TIME: "0+3x500"}, [("WinbackTouchesSlow", PAGE)],
    ),
    Story("one of a hundred touches is slow", {IN_TIME: "0+9.8x500"}, []),
    Story(
        "of hardly any touches one is slow",
        {name: "0+0.05x500" for name in HEALTHY if name.startswith("winback_touch_seconds_count")}
        | {name: "0x500" for name in HEALTHY if name.startswith("winback_touch_seconds_bucket")},
        [],
    ),
    Story(
        "touches are late because a partition lags: the lag is told",
        {IN_TIME: "0+3x500", LAG: "0x52 40+10x90"},
        [("WinbackInputBehind", {**PAGE, "topic": "user-activity", "partition": "0"})],
    ),
    Story(
        "for days two of a hundred touches are slow",
        {f"up{{{W1}}}": "1x600", IN_TIME: "0+9.5x600",
         f"winback_touch_seconds_count{{{W1}}}": "0+10x600"},
        [("WinbackTouchesSlow", TICKET)],
        at="75h", interval="10m",
    ),
    Story(
        "one partition is slow", {LAG: "0x60 10+10x90"},
        [("WinbackInputBehind", {**PAGE, "topic": "user-activity", "partition": "0"})],
    ),
    Story("a backlog is worked off after a start", {LAG: "_x55 500-3x100"}, []),
    Story("a partition is a little late, always", {LAG: "29x500"}, []),
    Story(
        "a backlog is too large", {LAG: "3600-1x500"},
        [("WinbackInputBehind", {**PAGE, "topic": "user-activity", "partition": "0"})],
    ),
    Story(
        "records wait for the schema registry",
        {f"winback_schema_registry_away{{{W1}}}": "0x60 1x90", LAG: "0x60 10+10x90"},
        [("WinbackSchemaRegistryAway", PAGE)],
    ),
    Story(
        "the registry blinks", {f"winback_schema_registry_away{{{W1}}}": "0x68 1x2 0x90"}, []
    ),
    Story(
        "changed rules are refused",
        {f"winback_rules_refused_total{{{W1}}}": "0x52 1x90"}, [("WinbackRulesRefused", TICKET)],
    ),
    Story(
        "two workers go by different rules",
        {f'winback_rules_in_force{{{W1},version="a"}}': "1x52 stale",
         f'winback_rules_in_force{{{W1},version="b"}}': "_x52 1x90"},
        [("WinbackRulesRefused", TICKET)],
    ),
    Story(
        "rules are changed, one worker after the other",
        {f'winback_rules_in_force{{{W1},version="a"}}': "1x67 stale",
         f'winback_rules_in_force{{{W1},version="b"}}': "_x67 1x90",
         f'winback_rules_in_force{{{W2},version="a"}}': "1x69 stale",
         f'winback_rules_in_force{{{W2},version="b"}}': "_x69 1x90"},
        [],
    ),
    Story(
        "the model was poisoned, and the prior has taken over",
        {f'winback_model_phase{{{LEARNER},phase="fallen_back"}}': "0x60 1x90",
         f'winback_model_phase{{{LEARNER},phase="learned"}}': "1x60 0x90"},
        [("WinbackModelFallenBack", TICKET)],
    ),
    Story(
        "somebody else writes to the topic of models",
        {f'winback_model_snapshots_refused_total{{{W1},reason="signature"}}': "0x52 1+1x90"},
        [("WinbackModelRefused", {**TICKET, "reason": "signature"})],
    ),
    Story(
        "the first model that is refused begins its series",
        {f'winback_model_snapshots_refused_total{{{W1},reason="signature"}}': "_x60 1x90"},
        [("WinbackModelRefused", {**TICKET, "reason": "signature"})],
    ),
    Story(
        "a model was refused long ago",
        {f'winback_model_snapshots_refused_total{{{W1},reason="signature"}}': "0x10 1x190"}, [],
    ),
    Story(
        "many users are at risk at once", {f"winback_fuse_blown{{{W2}}}": "0x60 1x90"},
        [("WinbackFuseBlown", TICKET)],
    ),
    Story("for half a minute", {f"winback_fuse_blown{{{W2}}}": "0x69 1x3 0x90"}, []),
    Story(
        "the provider is away",
        {f'winback_sender_breaker_open{{{SENDER},provider="aliyun"}}': "0x60 1x90"},
        [("WinbackProviderAway", {**PAGE, "provider": "aliyun"})],
    ),
    Story(
        "the provider hesitates",
        {f'winback_sender_breaker_open{{{SENDER},provider="aliyun"}}': "0x69 1x3 0x90"}, [],
    ),
    Story(
        "the sender cannot report",
        {f"winback_sender_feedback_owed_seconds{{{SENDER}}}": "0x52 10+10x90"},
        [("WinbackFeedbackOwed", PAGE)],
    ),
    Story(
        "the sender reports slowly",
        {f"winback_sender_feedback_owed_seconds{{{SENDER}}}": "50x500"}, [],
    ),
    Story(
        "no sender has said a word",
        {f'winback_touches_unaccepted_total{{{W1},channel="sms"}}': "_x60 3x90"},
        [("WinbackTouchesUnheard", {**TICKET, "channel": "sms"})],
    ),
    Story(
        "one had said nothing, the day before",
        {f'winback_touches_unaccepted_total{{{W1},channel="sms"}}': "3x500"}, [],
        at="70m",
    ),
)  # fmt: skip
