# ruff: noqa: INP001 (run from the repository, never installed)
"""Service health: whether what was promised is kept, and what is in the way."""

from typing import Final

from deploy.grafana.source.panels import Board, Panel, Query, Row

RATE: Final = "$__rate_interval"

PROMISES: Final = Row("Promises", (
    Panel(
        "Touches within a second", "Promised: 99 %. WinbackTouchesSlow.", "percentunit",
        (Query(f'sum(rate(winback_touch_seconds_bucket{{le="1.0"}}[{RATE}]))'
               f" / (sum(rate(winback_touch_seconds_count[{RATE}])) > 0) or vector(1)"),),
        "number", 6,
    ),
    Panel(
        "Records that can be used", "Promised: 99.9 %. WinbackInputRejected.", "percentunit",
        (Query(f"1 - (sum(rate(winback_records_rejected_total[{RATE}]))"
               f" / (sum(rate(winback_records_applied_total[{RATE}])) > 0) or vector(0))"),),
        "number", 6,
    ),
    Panel(
        "Budget of errors, how fast it burns",
        "1 = all of it in a month. 14.4 wakes somebody. Both are of the last hour.", "short",
        (
            Query("winback:touch_slow:ratio1h / 0.01 >= 0 or vector(0)", "touches"),
            Query("winback:input_rejected:ratio1h / 0.001 or vector(0)", "records"),
        ), width=12,
    ),
    Panel(
        "Event to touch", "From the event in Kafka to its touch in Kafka; dots are single touches.",
        "s",
        tuple(
            Query(
                f"histogram_quantile({share}, sum by (le)"
                f" (rate(winback_touch_seconds_bucket[{RATE}]))) >= 0 or vector(0)",
                f"p{share * 100:g}", has_exemplars=True,
            )
            for share in (0.5, 0.9, 0.99)
        ), width=12,
    ),
    Panel(
        "Processes", "Answering, ready, alive. WinbackRoleDown, WinbackProcessDown, WinbackStuck, "
        "WinbackKafkaAway.", "short",
        (
            Query('sum by (role) (up{job=~"winback.*"})', "{{role}} answer"),
            Query("sum(winback_ready)", "ready"),
            Query("sum(winback_live)", "alive"),
            Query("sum(winback_kafka_away)", "without Kafka"),
        ), width=12,
    ),
))  # fmt: skip

LOAD: Final = Row("Load", (
    Panel(
        "Records applied", "Of all inputs, per second.", "reqps",
        (Query(f"sum by (role) (rate(winback_records_applied_total[{RATE}]))", "{{role}}"),),
    ),
    Panel(
        "Time at work", "Share of a second in which a process applies. Near 1: it is at its limit.",
        "percentunit",
        (Query(f"sum by (instance) (rate(winback_apply_seconds_total[{RATE}]))", "{{instance}}"),),
    ),
    Panel(
        "Commit", "From begin to end of a transaction. Above 0.5 s the brokers are slow.", "s",
        (
            Query("histogram_quantile(0.99, sum by (le)"
                  f" (rate(winback_commit_seconds_bucket[{RATE}]))) >= 0 or vector(0)", "p99"),
            Query(f"sum(rate(winback_commits_total[{RATE}]))", "commits per second"),
        ),
    ),
    Panel(
        "Size of a stride", "Records that are applied in one go.", "short",
        tuple(
            Query(f"histogram_quantile({share}, sum by (le)"
                  f" (rate(winback_chunk_records_bucket[{RATE}]))) >= 0 or vector(0)",
                  f"p{share * 100:g}")
            for share in (0.5, 0.99)
        ),
    ),
    Panel(
        "Written", "Records per second, by topic, and states.", "reqps",
        (
            Query(f"sum by (topic) (rate(winback_outputs_committed_total[{RATE}]))", "{{topic}}"),
            Query(f"sum(rate(winback_states_committed_total[{RATE}]))", "states"),
        ),
    ),
    Panel(
        "Memory", "Of each process.", "bytes",
        (Query('process_resident_memory_bytes{job=~"winback.*"}', "{{instance}}"),),
    ),
))  # fmt: skip

LAG: Final = Row("Lag", (
    Panel(
        "Lag in seconds", "Age of the newest record that was applied. WinbackInputBehind.", "s",
        (Query("max by (topic, partition) (winback_lag_seconds)", "{{topic}} {{partition}}"),),
    ),
    Panel(
        "Lag in records", "What lies unread.", "short",
        (Query("sum by (topic) (winback_lag_records)", "{{topic}}"),),
    ),
    Panel(
        "Event time behind the present", "Lateness of the rules when all is well; more: a clock "
        "holds it up (winback doctor).", "s",
        (Query("max by (partition) (winback_watermark_lag_seconds)", "partition {{partition}}"),),
    ),
    Panel(
        "Clocks", "Up to where each input has come, behind the present; idle ones hold nothing.",
        "s",
        (
            Query("time() - min by (clock) (winback_clock_timestamp_seconds)", "{{clock}}"),
            Query("sum by (clock) (winback_clock_idle)", "{{clock}} idle"),
        ),
    ),
    Panel(
        "Timers", "Past by the wall clock and not fired; of those armed.", "short",
        (Query("sum(winback_timers_due)", "due"), Query("sum(winback_timers_armed)", "armed")),
    ),
    Panel(
        "Applied and not durable", "At 16,000 a lane waits for its commit.", "short",
        (Query("max by (partition) (winback_pending_records)", "partition {{partition}}"),),
    ),
))  # fmt: skip

INPUT: Final = Row("Input", (
    Panel(
        "Rejected records", "They lie on the dead-letter topic. WinbackInputRejected.", "reqps",
        (Query(f"sum by (topic, reason) (rate(winback_records_rejected_total[{RATE}]))"
               " or vector(0)", "{{topic}} {{reason}}"),),
    ),
    Panel(
        "Skipped records", "They rightly changed nothing.", "reqps",
        (Query(f"sum by (reason) (rate(winback_records_skipped_total[{RATE}])) or vector(0)",
               "{{reason}}"),),
    ),
    Panel(
        "Held inputs",
        "Partitions that are not read on. WinbackInputHeld, WinbackSchemaRegistryAway.", "short",
        (
            Query("sum by (topic) (winback_input_held) or vector(0)", "{{topic}}"),
            Query("sum(winback_schema_registry_away)", "wait for the schema registry"),
        ),
    ),
))  # fmt: skip

STATE: Final = Row("State", (
    Panel(
        "Users", "In state, by partition. WinbackStateFull.", "short",
        (
            Query("sum by (partition) (winback_users)", "partition {{partition}}"),
            Query("max(winback_users_max)", "most a partition may have"),
        ),
    ),
    Panel(
        "Bytes of states", "What a restore reads at least; from a sample.", "bytes",
        (Query("sum(winback_state_bytes)", "states"),),
    ),
    Panel(
        "Restore", "Changelog still to be read, and how long the last one took.", "short",
        (
            Query("sum by (instance) (winback_restore_left_records)", "{{instance}} left"),
            Query("max(winback_restore_seconds)", "seconds of the last"),
        ),
    ),
    Panel(
        "Partitions", "Owned, of those there are. WinbackPartitionsUnowned.", "short",
        (
            Query("sum by (role) (winback_partitions_owned)", "{{role}} owned"),
            Query("max by (role) (winback_partitions)", "{{role}} in all"),
        ),
    ),
    Panel(
        "Starts", "Of processes, in an hour. WinbackCrashLoop.", "short",
        (Query('sum by (role) (changes(process_start_time_seconds{job=~"winback.*"}[1h]))',
               "{{role}}"),),
    ),
    Panel(
        "Rules and versions",
        "More than one line for long: a rollout has stopped half-way. WinbackRulesRefused.",
        "short",
        (
            Query("count by (version) (winback_rules_in_force)", "rules {{version}}"),
            Query("count by (service, version) (winback_info)", "{{service}} {{version}}"),
            Query("sum(increase(winback_rules_refused_total[1h]))", "rules refused"),
        ),
    ),
))  # fmt: skip

BOARD: Final = Board(
    "winback-service", "winback · service health",
    "For whoever is woken: promises first, then what is in the way. docs/runbook.md.",
    (PROMISES, LOAD, LAG, INPUT, STATE),
)  # fmt: skip
