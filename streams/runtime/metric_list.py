"""The closed catalogue of metrics; each with its unit, its meaning and what to do about it.

Counted per chunk or commit, never per event. No label carries a user's id.
"""

from typing import Final

from streams.runtime.metric_names import Metric
from winback_sender.instruments import Spec

__all__ = ["METRICS", "Metric"]

TOUCH_BUCKETS_S: Final = (
    0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 60.0, 600.0,
)  # fmt: skip
"""Dense below the second that is promised; what lies above is a backlog, and its size is told."""
CHUNK_BUCKETS: Final = (1.0, 5.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)


METRICS: Final[dict[Metric, Spec]] = {
    Metric.RECORDS_APPLIED: Spec(
        "counter", "records", ("partition",), "Source records taken in, rejected ones included.",
        "Flat while lag grows: the worker is stuck; /health says so, restart it.",
    ),
    Metric.RECORDS_REJECTED: Spec(
        "counter", "records", ("topic", "reason"), "Records sent to the dead-letter topic.",
        "Read them on the dead-letter topic; mend the producer or the mapping in the rules.",
    ),
    Metric.RECORDS_SKIPPED: Spec(
        "counter", "records", ("topic", "reason"),
        "Records that rightly changed nothing, by reason; the topic where the mapping says so.",
        "A jump of repeats: a producer retries without idempotence; of late ones: its clock; of "
        "feedback_contradicted: a sender guesses.",
    ),
    Metric.OUTPUTS_COMMITTED: Spec(
        "counter", "records", ("topic",), "Records written and durable, by topic.",
        "No touches for long: look at the decisions topic, every refusal has its reason.",
    ),
    Metric.STATES_COMMITTED: Spec(
        "counter", "records", (), "States written to the changelog.",
        "Far above the records applied: many timers fire; normal once after a long stop.",
    ),
    Metric.COMMITS: Spec(
        "counter", "commits", (), "Transactions that became durable.",
        "Zero while records are applied: Kafka's transactions fail; see the log.",
    ),
    Metric.APPLY_SECONDS: Spec(
        "counter", "seconds", (), "Time in which chunks were applied; the event loop was held.",
        "Its rate near 1: the worker is at its limit; add workers, up to one per partition.",
    ),
    Metric.CHUNK_RECORDS: Spec(
        "histogram", "records", (), "Records of a stride: what is applied in one go.",
        "All near 50 under load: each record costs much; see winback_apply_seconds_total.",
        CHUNK_BUCKETS,
    ),
    Metric.COMMIT_SECONDS: Spec(
        "histogram", "seconds", (), "From begin to end of a transaction.",
        "Above 0.5 s: the brokers are slow or far away.",
    ),
    Metric.TOUCH_SECONDS: Spec(
        "histogram", "seconds", (),
        "Event to touch: from the record timestamp of the event, or of one read with it but older, "
        "until the touch is durable. Touches that a timer has brought are left out.",
        "Above 1 s: see lag, commits and what the events' producers wait for. Exemplars name the "
        "touch_id.",
        TOUCH_BUCKETS_S,
    ),
    Metric.TOUCHES_REQUESTED: Spec(
        "counter", "touches", ("channel",), "Touches that senders were asked for.",
        "None for long: see winback_decisions_total and winback_mode.",
    ),
    Metric.REVOCATIONS: Spec(
        "counter", "touches", (), "Touches that were taken back: the user is back, or said no.",
        "A jump: somebody paused a channel or threw the kill switch.",
    ),
    Metric.TASKS: Spec(
        "gauge", "tasks", (), "Coroutines that run side by side in the worker.",
        "Grows for hours with the same partitions: something waits for ever; report it.",
    ),
    Metric.MEMORY_IN_USE: Spec(
        "gauge", "bytes", (), "Memory in use, where the C library (glibc) says it.",
        "Grows for days with the same users: something is never given up; report it.",
    ),
    Metric.PENDING_RECORDS: Spec(
        "gauge", "records", ("partition",), "Records applied and not durable yet.",
        "At its ceiling (16,000): commits do not keep up.",
    ),
    Metric.LAG_RECORDS: Spec(
        "gauge", "records", ("topic", "partition"), "End of the source less what was applied.",
        "Growing: add workers; growing on one partition only: a hot key or a stuck lane.",
    ),
    Metric.LAG_SECONDS: Spec(
        "gauge", "seconds", ("topic", "partition"),
        "Age of the newest record that was applied, while more lies behind it; 0 when all is read.",
        "Above a minute: WinbackInputBehind in docs/runbook.md.",
    ),
    Metric.WATERMARK_LAG_SECONDS: Spec(
        "gauge", "seconds", ("partition",),
        "The present less the watermark: how far event time lies behind.",
        "It is the lateness of the rules when all is read; more: a clock holds it up.",
    ),
    Metric.STATE_FILES: Spec(
        "counter", "files", ("result",), "State files: written, used, ignored, failed.",
        "failed: the disk of WINBACK_DATA_DIR is full or not to be written; ignored after every "
        "restart: see the log for why. Nothing is lost, a restore takes longer.",
    ),
    Metric.RESTORE_LEFT_RECORDS: Spec(
        "gauge", "records", (), "Changelog still to be read before the owned partitions go on.",
        "It stands still: Kafka does not answer fetches; it falls: wait, and see the rate.",
    ),
    Metric.RESTORE_SECONDS: Spec(
        "gauge", "seconds", (), "How long the last restore took; 0 = there was none.",
        "Grows by the week: more users, or the changelog is not compacted (winback doctor).",
    ),
    Metric.PARTITIONS_OWNED: Spec(
        "gauge", "partitions", (), "Partitions this worker owns.",
        "Sum over workers below the topic's count for a minute: a worker is away.",
    ),
    Metric.PARTITIONS: Spec(
        "gauge", "partitions", (), "Partitions of the topic, whoever owns them; 0 = not known yet.",
        "More than the sum of those owned: WinbackPartitionsUnowned in docs/runbook.md.",
    ),
    Metric.LIVE: Spec(
        "gauge", "1 or 0", (), "As /health/live: something moves, or nothing waits.",
        "0: records wait and nothing has moved for 30 s; /health/explain, then restart it.",
    ),
    Metric.READY: Spec(
        "gauge", "1 or 0", (), "As /health/ready: partitions are assigned and restored.",
        "0 for minutes: it restores (winback_restore_left_records), or the group is at odds.",
    ),
    Metric.KAFKA_AWAY: Spec(
        "gauge", "1 or 0", (), "The brokers do not say where topics end.",
        "1: see Kafka first; nothing is lost, and the worker goes on by itself.",
    ),
    Metric.INFO: Spec(
        "gauge", "1", ("service", "version"), "What the process does, and its version.",
        "Two versions for long: a rollout has stopped half-way.",
    ),
    Metric.USERS: Spec(
        "gauge", "users", ("partition",), "Users in state.", "Plan memory: about 800 B each.",
    ),
    Metric.USERS_BY_BAND: Spec(
        "gauge", "users", ("band",),
        "Users by risk: calm, elevated, high; asleep = silent for 2H. From a sample of 1,024 of "
        "each partition.",
        "High jumps: an outage of the source, or a new model; see winback_fuse_blown.",
    ),
    Metric.STATE_BYTES: Spec(
        "gauge", "bytes", ("partition",),
        "States as they lie in the changelog; from a sample of 1,024 users.",
        "What a restore reads at least: at 100 MB/s.",
    ),
    Metric.EXAMPLES_PENDING: Spec(
        "gauge", "examples", (), "Examples whose answer a period will bring; from the same sample.",
        "None while users are active: nothing is learned; report it.",
    ),
    Metric.TIMERS_ARMED: Spec(
        "gauge", "timers", (), "Users of the owned partitions with a deadline.",
        "About the users who are not asleep.",
    ),
    Metric.TIMERS_DUE: Spec(
        "gauge", "timers", (), "Of them, past by the wall clock and not fired.",
        "Many for minutes: the watermark stands still; winback doctor says which clock holds it.",
    ),
    Metric.WATERMARK_TIMESTAMP_SECONDS: Spec(
        "gauge", "seconds since the epoch", ("partition",),
        "Event time before which nothing more is expected.",
        "Standing still on one partition: no events and no ticks arrive there.",
    ),
    Metric.CLOCK_TIMESTAMP_SECONDS: Spec(
        "gauge", "seconds since the epoch", ("clock", "partition"),
        "Up to here nothing more is expected of a topic, or of a partition that the router reads.",
        "The least that is not idle holds the watermark: winback doctor says why.",
    ),
    Metric.CLOCK_IDLE: Spec(
        "gauge", "1 or 0", ("clock", "partition"),
        "The topic has said nothing for long and holds the others no longer.",
        "1 on a topic that is alive: raise its idle_after, or look at its producer.",
    ),
    Metric.MODEL_EXAMPLES: Spec(
        "gauge", "examples", (), "Matured examples behind the model in use.",
        "Not growing: the learner is away; scores age, alerts go on.",
    ),
    Metric.MODEL_TRAINED_TIMESTAMP_SECONDS: Spec(
        "gauge", "seconds since the epoch", (), "Event time up to which the model has learned.",
        "Far behind the watermark: the learner lags.",
    ),
    Metric.MODEL_REFUSED: Spec(
        "counter", "snapshots", ("reason",), "Snapshots that were not taken; the old model stays.",
        "signature: key differs or somebody meddles; features or rules: versions are mixed.",
    ),
    Metric.EXAMPLES_LEARNED: Spec(
        "counter", "examples", ("outcome",), "Examples learned or refused by the learner.",
        "Refused ones: rows that are not finite; report it with the block's offset.",
    ),
    Metric.LESSONS: Spec(
        "counter", "rows", ("kind",), "Questions opened and outcomes known, as the learner reads.",
        "No outcomes for long after H: nobody is left alone, or the pipeline is away.",
    ),
    Metric.QUESTIONS_OPEN: Spec(
        "gauge", "questions", (), "Questions about users whose answer H will bring.",
        "About one per user who is active within H; zero: no openings reach the learner.",
    ),
    Metric.MODEL_PHASE: Spec(
        "gauge", "1 or 0", ("phase",), "How far the model is trusted: 1 for the phase of now.",
        "prior: wait for examples; fallen_back: the model errs more than silence alone.",
    ),
    Metric.MODEL_MAY_ALERT: Spec(
        "gauge", "1 or 0", (), "Whether alerts may rest on the model.",
        "0: only the silence backstop alerts; the phase and the quality of the floor say why.",
    ),
    Metric.MODEL_IN_FORCE: Spec(
        "gauge", "1", ("model",), "Name of the champion.",
        "It changed and should not have: winback models list, winback models rollback.",
    ),
    Metric.MODEL_PRIOR_WEIGHT: Spec(
        "gauge", "share", (), "Share of the prior in the log-odds, 1 to 0 as examples come in.",
        "Stays at 1: too few examples; see winback_examples_learned_total.",
    ),
    Metric.MODEL_CALIBRATION: Spec(
        "gauge", "log-odds", ("part",), "Calibration in force: shift and slope; 0 and 1 are none.",
        "A slope far from 1: the model is too sure, or not enough; see the reliability.",
    ),
    Metric.MODEL_OUTCOMES: Spec(
        "gauge", "outcomes", ("model",), "Newest outcomes that the quality of a model rests on.",
        "Below 500: the quality is not known well.",
    ),
    Metric.MODEL_QUALITY: Spec(
        "gauge", "ratio", ("model", "measure"),
        "Quality on the newest outcomes, said before they were known; served: as it was in force.",
        "auc near 0.5, or ece well above ece_floor: do not trust ranking or level.",
    ),
    Metric.MODEL_RELIABILITY: Spec(
        "gauge", "probability, rows", ("bin", "part"),
        "Said and seen of what was in force, in ten bins of equal mass.",
        "said and seen apart in many bins: the level is wrong; the ranking may still be right.",
    ),
    Metric.MODEL_ALARM: Spec(
        "gauge", "1 or 0", ("alarm",), "Drift of inputs, outcome rate or error.",
        "inputs: has a producer changed its events? error: the prior has taken over by itself.",
    ),
    Metric.MODEL_PROMOTIONS: Spec(
        "counter", "promotions", ("model",), "Models put in force, by evidence or by order.",
        "Many: two models are equal; set models.promotion to manual.",
    ),
    Metric.MODEL_FITS: Spec(
        "counter", "fits", ("outcome",), "Boosters fitted in the background, or failed.",
        "Failed ones: see the log; the trees before them stay in use.",
    ),
    Metric.MODEL_ORDERS: Spec(
        "counter", "orders", ("action", "outcome"), "Orders of operators carried out or refused.",
        "Refused ones that nobody gave: somebody writes to the topic of examples.",
    ),
    Metric.POLICY_EPISODES: Spec(
        "gauge", "episodes", (), "Matured exposures behind the policy: odds of variants, uplift.",
        "Not growing while touches go out: the learner is away, or nothing matures.",
    ),
    Metric.EXPERIMENT_EPISODES: Spec(
        "counter", "episodes", ("playbook", "variant", "arm"),
        "Exposures of which the learner knows the end, by arm; beyond 100 variants: other.",
        "Few held out: nothing can be said of what recall earns; see holdout.share of the rules.",
    ),
    Metric.DECISIONS: Spec(
        "counter", "decisions", ("reason",), "What the first rule that spoke said of a touch.",
        "docs/touches.md has the reasons; nothing but one of them: see what that rule asks for.",
    ),
    Metric.CASES_CLOSED: Spec(
        "counter", "cases", ("outcome",), "Attempts to win a user back that have ended.",
        "Hardly any that returned: winback report says which playbook is worth what.",
    ),
    Metric.CASES_OPEN: Spec(
        "gauge", "cases", (), "Users of the owned partitions who have an open case.",
        "Growing without end: steps wait for places, or no feedback comes; see the budget.",
    ),
    Metric.EPISODES: Spec(
        "counter", "episodes", (), "Exposures, treated or held out, of which the end is known.",
        "None for long after the first touch: they mature holdout.window after it.",
    ),
    Metric.IDENTITY: Spec(
        "counter", "ids", ("what",), "What happened to ids that are one person.",
        "Of shared_device, cycle, placeholder or too_many_ids: see identity.refused on the "
        "decisions topic.",
    ),
    Metric.FEEDBACK: Spec(
        "counter", "records", ("status",), "What senders and staff said of touches.",
        "Much unknown or failed: look into the sender; none at all: no sender reports back.",
    ),
    Metric.TOUCHES_UNACCEPTED: Spec(
        "counter", "touches", ("channel",), "Touches of which no sender has said a word in time.",
        "Any: is a sender of this channel running, with our group and topics? docs/guarantees.md.",
    ),
    Metric.BUDGET_USED: Spec(
        "gauge", "touches", ("kind",), "Places of today's budget that are used, by channel class.",
        "Used up early every day: raise the budget, or see whether the fuse is blown.",
    ),
    Metric.BUDGET_SHARE: Spec(
        "gauge", "touches", ("kind",), "Today's budget of the owned partitions, by channel class.",
        "The sum over workers is the budget of the rules; less: a partition is owned by nobody.",
    ),
    Metric.BUDGET_WAITING: Spec(
        "gauge", "users", (), "Users at high risk who wait for a place of the budget.",
        "Many for days: the budget is small, or the threshold of the alert is low.",
    ),
    Metric.BUDGET_THRESHOLD: Spec(
        "gauge", "minor units", (), "Smallest expected loss that got a place last, of all owned.",
        "It says what the next touch is worth; below the cost of a touch, lower the budget.",
    ),
    Metric.FUSE: Spec(
        "gauge", "1 or 0", (), "Many more users bid for contact than usual; the budget holds.",
        "Look at the source first: outage, holiday, broken tracking? winback coverage add tells.",
    ),
    Metric.USERS_MAX: Spec(
        "gauge", "users", (), "Most users that a partition may have: WINBACK_USERS_MAX.",
        "winback_users of a partition comes near it: raise it, or find who makes users up; beyond "
        "it records of new users are skipped as skipped_full.",
    ),
    Metric.INPUT_HELD: Spec(
        "gauge", "partitions", ("topic",),
        "Owned partitions of an input that are not read on: too much of it was rejected.",
        "The log line input_held and /health say why; docs/dead-letters.md what to do.",
    ),
    Metric.RULES_IN_FORCE: Spec(
        "gauge", "1", ("version",), "Fingerprint of the rules files that the worker goes by.",
        "Workers differ for more than some seconds: one has other files, or refused them.",
    ),
    Metric.RULES_REFUSED: Spec(
        "counter", "refusals", (), "Changed rules that cannot be used; the last good ones stay.",
        "Read the log line rules_refused, or /health: file, line and what is wrong.",
    ),
    Metric.CONTROLS_REFUSED: Spec(
        "counter", "orders", (),
        "Orders that are not followed: no order at all, or to go live with the development key.",
        "Read the log line control_refused; no order: somebody else writes to the topic.",
    ),
    Metric.MODE: Spec(
        "gauge", "partitions", ("mode",), "Owned partitions that are in this mode.",
        "Not what you ordered: winback control says which partition has not taken it.",
    ),
    Metric.SCHEMAS_FETCHED: Spec(
        "counter", "schemas", ("outcome",), "Schemas asked for: found, unknown, or away.",
        "Unknown ones: a producer writes with another registry; see the dead letters.",
    ),
    Metric.SCHEMA_REGISTRY_AWAY: Spec(
        "gauge", "1 or 0", (), "Records wait because the schema registry cannot be asked.",
        "1 for minutes: the log line schema_registry_away says why; nothing is lost meanwhile.",
    ),
    Metric.STOPPED: Spec(
        "gauge", "partitions", (), "Owned partitions in which the kill switch is thrown.",
        "Above 0: nothing goes out there until winback control resume.",
    ),
    Metric.PAUSES: Spec(
        "gauge", "pauses", (), "Playbooks and channels that operators have paused.",
        "Forgotten ones: winback control lists them.",
    ),
}  # fmt: skip
