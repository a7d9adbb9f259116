# ruff: noqa: INP001 (run from the repository, never installed)
"""The funnel: who is at risk, who is touched, who comes back."""

from typing import Final

from deploy.grafana.source.panels import Board, Panel, Query, Row

DAY: Final = "1d"

FUNNEL: Final = Row("At risk → touched → returned", (
    Panel(
        "At risk", "Users in the highest band of risk, now.", "short",
        (Query('sum(winback_users_by_band{band="high"})'),), "number", 6,
    ),
    Panel(
        "Touched", "Touches requested in a day.", "short",
        (Query(f"sum(increase(winback_touches_requested_total[{DAY}]))"),), "number", 6,
    ),
    Panel(
        "Returned", "Cases that ended with a return, in a day; held-out users among them.", "short",
        (Query(f'sum(increase(winback_cases_closed_total{{outcome="returned"}}[{DAY}]))'),),
        "number", 6,
    ),
    Panel(
        "Returned of all that ended", "What would have happened anyhow is in it: winback report "
        "compares with who is held out.", "percentunit",
        (Query(f'sum(increase(winback_cases_closed_total{{outcome="returned"}}[{DAY}]))'
               f" / (sum(increase(winback_cases_closed_total[{DAY}])) > 0) or vector(0)"),),
        "number", 6,
    ),
    Panel(
        "Users by risk", "From a sample; asleep = silent for twice the horizon.", "short",
        (Query("sum by (band) (winback_users_by_band)", "{{band}}"),), width=12,
    ),
    Panel(
        "Cases", "Open ones, and how those end that are closed, per hour.", "short",
        (
            Query("sum(winback_cases_open)", "open"),
            Query("sum by (outcome) (increase(winback_cases_closed_total[1h]))", "{{outcome}}"),
        ), width=12,
    ),
))  # fmt: skip

DECISIONS: Final = Row("Decisions", (
    Panel(
        "Verdicts", "What the first rule that spoke said, per hour: docs/touches.md.", "short",
        (Query("sum by (reason) (increase(winback_decisions_total[1h]))", "{{reason}}"),),
        width=12,
    ),
    Panel(
        "Touches", "Requested by channel and taken back, per hour.", "short",
        (
            Query("sum by (channel) (increase(winback_touches_requested_total[1h]))",
                  "{{channel}}"),
            Query("sum(increase(winback_revocations_total[1h]))", "taken back"),
        ), width=12,
    ),
    Panel(
        "Budget of today", "Places used, of those there are, by channel class.", "short",
        (
            Query("sum by (kind) (winback_budget_used) or vector(0)", "{{kind}} used"),
            Query("sum by (kind) (winback_budget_share) or vector(0)", "{{kind}} in all"),
            Query("sum(winback_budget_waiting)", "users who wait"),
        ),
    ),
    Panel(
        "Worth of the last place", "Expected loss of the user who got it, minor units.", "short",
        (Query("max(winback_budget_threshold_minor)", "threshold"),),
    ),
    Panel(
        "Stops", "Fuse, kill switch, pauses: why nothing may leave. WinbackFuseBlown.", "short",
        (
            Query("max(winback_fuse_blown)", "fuse"),
            Query("sum(winback_stopped)", "partitions stopped"),
            Query("max(winback_pauses)", "pauses"),
            Query("sum by (mode) (winback_mode)", "partitions in mode {{mode}}"),
        ),
    ),
))  # fmt: skip

ANSWERS: Final = Row("Answers and experiments", (
    Panel(
        "What senders say", "Per hour, by status. None for long: nobody reports back.", "short",
        (Query("sum by (status) (increase(winback_feedback_total[1h])) or vector(0)",
               "{{status}}"),),
    ),
    Panel(
        "Nobody has said a word", "Of touches by channel, per hour. WinbackTouchesUnheard.",
        "short",
        (Query("sum by (channel) (increase(winback_touches_unaccepted_total[1h])) or vector(0)",
               "{{channel}}"),),
    ),
    Panel(
        "Exposures that have matured", "Treated and held out, per day: the size of the experiment.",
        "short",
        (
            Query(f"sum by (arm) (increase(winback_experiment_episodes_total[{DAY}]))", "{{arm}}"),
            Query("sum by (playbook, variant)"
                  f" (increase(winback_experiment_episodes_total[{DAY}]))",
                  "{{playbook}} {{variant}}"),
        ),
    ),
))  # fmt: skip

BOARD: Final = Board(
    "winback-funnel", "winback · funnel",
    "For the lead of user operations: at risk, touched, returned.",
    (FUNNEL, DECISIONS, ANSWERS),
)  # fmt: skip
