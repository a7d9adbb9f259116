# ruff: noqa: INP001 (run from the repository, never installed)
"""Models: whether to trust what they say."""

from typing import Final

from deploy.grafana.source.panels import Board, Panel, Query, Row


def _quality(title: str, says: str, *measures: str) -> Panel:
    return Panel(
        title, says, "short",
        tuple(
            Query(f'max by (model) (winback_model_quality{{measure="{measure}"}})',
                  "{{model}}" + (f" {measure}" if len(measures) > 1 else ""))
            for measure in measures
        ),
    )  # fmt: skip


IN_FORCE: Final = Row("In force", (
    Panel(
        "Champion", "Who answers.", "short",
        (Query("max by (model) (winback_model_in_force)", "{{model}}"),), "number", 6,
    ),
    Panel(
        "Trust", "Phase of now: prior, blended, learned, fallen back. WinbackModelFallenBack.",
        "short",
        (Query("max by (phase) (winback_model_phase) > 0", "{{phase}}"),), "number", 6,
    ),
    Panel(
        "Examples behind it", "Matured ones.", "short",
        (Query("max(winback_model_examples)"),), "number", 6,
    ),
    Panel(
        "May alert", "0: only the silence backstop alerts.", "short",
        (Query("min(winback_model_may_alert * on (job, instance) group_left ()"
               ' winback_info{service=~"pipeline|learner"})'),), "number", 6,
    ),
))  # fmt: skip

QUALITY: Final = Row("Quality, said before the outcome was known", (
    _quality("AUC", "Share of pairs in the right order. 0.5 = by chance.", "auc"),
    _quality("Log loss", "Lower is better.", "log_loss"),
    _quality("Calibration error", "Beside what a perfect model would show.", "ece", "ece_floor"),
    Panel(
        "Reliability", "Said and seen, in ten bins of equal mass; apart = the level is wrong.",
        "percentunit",
        (
            Query('max by (bin) (winback_model_reliability{part="said"})', "said {{bin}}"),
            Query('max by (bin) (winback_model_reliability{part="seen"})', "seen {{bin}}"),
        ),
    ),
    Panel(
        "Outcomes behind the quality", "Below 500 it is not known well.", "short",
        (Query("max by (model) (winback_model_outcomes)", "{{model}}"),),
    ),
    Panel(
        "Drift", "Alarms of inputs, outcome rate and error.", "short",
        (Query("max by (alarm) (winback_model_alarm)", "{{alarm}}"),),
    ),
))  # fmt: skip

LEARNING: Final = Row("Learning", (
    Panel(
        "Learned", "Examples per second: learned, refused, of other rules.", "reqps",
        (
            Query("sum by (outcome) (rate(winback_examples_learned_total[$__rate_interval]))",
                  "{{outcome}}"),
            Query("sum by (kind) (rate(winback_lessons_total[$__rate_interval]))", "{{kind}}"),
        ),
    ),
    Panel(
        "Waiting for an answer", "Examples of the workers, questions of the learner.", "short",
        (
            Query("sum(winback_examples_pending)", "examples"),
            Query("max(winback_questions_open)", "questions"),
        ),
    ),
    Panel(
        "Age of the model", "Event time since what it has learned last. Grows: no learner.", "s",
        (Query("time() - max by (role) (winback_model_trained_timestamp_seconds > 0)",
               "{{role}}"),),
    ),
    Panel(
        "Prior and calibration", "Share of the prior; shift and slope of the calibration.", "short",
        (
            Query("max(winback_model_prior_weight)", "prior"),
            Query("max by (part) (winback_model_calibration)", "{{part}}"),
        ),
    ),
    Panel(
        "Changes", "Promotions, fits, orders and refusals, per day. WinbackModelRefused.", "short",
        (
            Query("sum by (model) (increase(winback_model_promotions_total[1d])) or vector(0)",
                  "promoted {{model}}"),
            Query("sum by (outcome) (increase(winback_model_fits_total[1d])) or vector(0)",
                  "fits {{outcome}}"),
            Query("sum by (action) (increase(winback_model_orders_total[1d])) or vector(0)",
                  "orders {{action}}"),
            Query("sum by (reason) (increase(winback_model_snapshots_refused_total[1d]))"
                  " or vector(0)", "refused {{reason}}"),
        ),
    ),
    Panel(
        "Policy of contact", "Matured exposures that it rests on.", "short",
        (
            Query("max(winback_policy_episodes)", "known to workers"),
            Query("sum(increase(winback_episodes_total[1d]))", "matured in a day"),
        ),
    ),
))  # fmt: skip

BOARD: Final = Board(
    "winback-models", "winback · models",
    "Whether to trust what the models say, and whether they learn.",
    (IN_FORCE, QUALITY, LEARNING),
)  # fmt: skip
