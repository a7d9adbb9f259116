"""The page of all limits: what one record may bring, and what may grow, each with its bound.

python -m streams.runtime.limits_page > docs/limits.md
"""

import sys
from collections.abc import Iterable
from typing import Final, NamedTuple

from models.newest import KEPT_MAX
from streams.core.clocks import CLOCKS_MAX
from streams.core.coverage import OUTAGES_MAX, TOO_MANY_OUTAGES
from streams.core.links import MEMBERS_MAX
from streams.core.reach import CHANNELS_MAX, TOKENS_MAX
from streams.core.reception import FULL
from streams.core.record_limits import LIMITS
from streams.core.record_limits import TEXT_MAX as TRAIT_CHARS_MAX
from streams.core.rules_file import TRAITS_MAX
from streams.core.tiers import SAMPLE_MAX
from streams.intake.straight import NAMES_MAX
from streams.intake.wire.schemas import UNKNOWN_MAX
from streams.runtime.dead_letter_survey import LETTERS_MAX
from streams.runtime.dead_letters import HEADERS_BYTES_MAX
from streams.runtime.lane import Pace
from streams.runtime.metric_list import Metric
from streams.runtime.routed_record import MINUTES_MAX
from streams.settings import Settings
from winback_sender.contract.dead_letters import VALUE_BYTES_MAX as LETTER_BYTES_MAX

_SKIPPED: Final = f"`{Metric.RECORDS_SKIPPED}`"
_SETTINGS: Final = Settings()


class Bound(NamedTuple):
    """Something that grows, and how far.

    Attributes:
        what: Grows.
        most: It may become.
        beyond: What happens then.
        seen: Where that is seen.
    """

    what: str
    most: str
    beyond: str
    seen: str


PER_USER: Final[tuple[Bound, ...]] = (
    Bound("numbers of rhythm and value", "fixed", "they are sums, not lists", "-"),
    Bound("ids of events that are told from repeats", "8", "an older repeat counts again; feed "
          "and replay of dead letters do not rest on them", f"{_SKIPPED} `duplicate`"),
    Bound("traits that are kept", f"{TRAITS_MAX} names in the rules, {TRAIT_CHARS_MAX} characters "
          "each", "a longer one is refused", f"`{Metric.RECORDS_REJECTED}` `bad_property`"),
    Bound("channels of which something is known", f"{CHANNELS_MAX}", "more are not kept",
          "the state: `winback explain`"),
    Bound("subscription tokens of a channel", f"{TOKENS_MAX:,}", "more are not counted",
          "the same"),
    Bound("ids that are one person", f"{MEMBERS_MAX}", "further links are refused",
          f"`{Metric.IDENTITY}` `too_many_ids`"),
    Bound("open cases", "1", "a second one begins when it is closed", f"`{Metric.CASES_OPEN}`"),
    Bound("open questions to the model", "1", "the next one is asked when it is answered",
          f"`{Metric.QUESTIONS_OPEN}`"),
)  # fmt: skip

PER_PARTITION: Final[tuple[Bound, ...]] = (
    Bound("users", f"WINBACK_USERS_MAX, {_SETTINGS.users_max:,} by default, some 800 B each",
          "nobody new is taken in, nobody known is forgotten; opt-outs of strangers are heard up "
          "to a fourth more", f"`{Metric.USERS}`, `{Metric.USERS_MAX}`, {_SKIPPED} `{FULL}`, log "
          "`users_full`, doctor from 80 % on"),
    Bound("erased ids that are remembered", "WINBACK_USERS_MAX, and each for its time only",
          "erasures of ids that never were are counted and left", f"{_SKIPPED} `{FULL}`"),
    Bound("ids that were given up for another", f"{MEMBERS_MAX - 1} for each user, and each for "
          "its time only", "what comes under such an id later is somebody new",
          f"`{Metric.IDENTITY}`"),
    Bound("outages that were announced", f"{OUTAGES_MAX:,}", "a new one is not taken; a known "
          "one can still be ended or taken back", f"{_SKIPPED} `{TOO_MANY_OUTAGES}`"),
    Bound("clocks", f"{CLOCKS_MAX:,}", "words of further ones are not heard",
          f"`{Metric.CLOCK_TIMESTAMP_SECONDS}`"),
    Bound("records that are not durable yet", f"{Pace().pending_max:,}, and "
          f"{Pace().pending_bytes_max >> 20} MB of values", "reading waits for the commit",
          f"`{Metric.PENDING_RECORDS}`, `{Metric.LAG_RECORDS}`"),
    Bound("rejected records of an input, in a row of WINBACK_FUSE_RECORDS",
          f"WINBACK_FUSE_SHARE, {_SETTINGS.fuse_share:.0%} of {_SETTINGS.fuse_records:,} by "
          "default", "the input is not read on", f"`{Metric.INPUT_HELD}`, log `input_held`, "
          "/health, doctor: [dead-letters.md](dead-letters.md)"),
    Bound("sample of values for the tiers", f"{SAMPLE_MAX:,} users", "a sample it stays", "-"),
)  # fmt: skip

PER_WORKER: Final[tuple[Bound, ...]] = (
    Bound("distinct names of events that are remembered while mapping", f"{NAMES_MAX:,}",
          "further ones are looked up anew each time", "-"),
    Bound("names that state, model or metrics keep", "those of the rules",
          "other names count as activity or as nothing, and are not kept", "-"),
    Bound("schemas that a registry does not know", f"{UNKNOWN_MAX:,}", "they are asked for anew",
          f"`{Metric.SCHEMAS_FETCHED}`"),
    Bound("labels of metrics", "closed catalogues: topics, partitions, reasons, names of the rules",
          "no label holds anything of a record", "-"),
    Bound("texts of minutes, murmur2 of keys, zones, days", f"{MINUTES_MAX:,} or 100,000 entries",
          "the oldest go", "-"),
    Bound("newest matured examples of the learner", f"{KEPT_MAX:,} for each model",
          "the oldest go", f"`{Metric.MODEL_OUTCOMES}`"),
    Bound("bytes of a dead letter", f"{LETTER_BYTES_MAX:,} of the value, {HEADERS_BYTES_MAX:,} of "
          "its own headers", "the value is cut and says so, the headers are left out",
          "header `winback.record.cut`"),
    Bound("dead letters that are looked at together", f"{LETTERS_MAX:,}",
          "the command asks for a filter", "its message"),
)  # fmt: skip

TEXT: Final = (
    (
        "Written by `make docs` from the catalogues in code: `streams/core/record_limits.py` and "
        "`streams/runtime/limits_page.py`."
    ),
    (
        "A hostile or broken producer can write what it likes. What it can cost is bounded here, "
        "by what it writes alone: a limit holds in a replay as it held live. What it cannot do is "
        "tested on a real Kafka by `tests/integration/dead_letters/test_hostile.py`, larger by "
        "`python -m tests.chaos.hostile`; what it does to the model, by "
        "`python -m benchmarks.quality.poison`."
    ),
)
NOT_BOUNDED: Final = (
    "**What is not bounded.** Whoever may write to `user-activity` may say that users exist, that "
    "they were erased, or that the source had an outage. Kafka's access control decides who may "
    "(`winback topics acls`); the limits only say what it can cost. Topics grow with what is "
    "written to them, for as long as their retention says (`winback topics plan`)."
)


def page() -> str:
    """Return ``docs/limits.md``."""
    lines = ["# Limits", "", *(line for text in TEXT for line in (text, "")), "## One record", ""]
    lines += ["| what | most | beyond it | why |", "|---|---|---|---|"]
    lines += [
        f"| {limit.what} | {limit.most} | rejected: `{limit.reason}` | {limit.why} |"
        for limit in LIMITS
    ]
    for title, bounds in (
        ("A user", PER_USER), ("A partition", PER_PARTITION), ("A worker", PER_WORKER),
    ):  # fmt: skip
        lines += ["", f"## {title}", "", *_table(bounds)]
    return "\n".join([*lines, "", NOT_BOUNDED, ""])


def _table(bounds: Iterable[Bound]) -> Iterable[str]:
    yield from ("| what | most | beyond it | where it is seen |", "|---|---|---|---|")
    for bound in bounds:
        yield f"| {bound.what} | {bound.most} | {bound.beyond} | {bound.seen} |"


if __name__ == "__main__":
    sys.stdout.write(page())
