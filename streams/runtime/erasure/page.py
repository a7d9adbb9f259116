"""The table of the page about erasure: how long each topic holds a person."""

import sys
from pathlib import Path
from typing import Final

from streams.runtime.retention import DAY_MS, ErasedBy, in_words
from streams.runtime.topics import Topic, topics
from streams.settings import Settings

BEGIN: Final = "<!-- topics: written by `make docs` from the catalogue -->\n"
END: Final = "<!-- /topics -->\n"

_HEAD: Final = (
    "| topic | what ends it | kept | gone after an erasure |\n",
    "|---|---|---|---|\n",
)
_ENDS: Final = {
    ErasedBy.NOBODY: "holds nothing of a person",
    ErasedBy.RETENTION: "its age",
    ErasedBy.SERVICE: "the service, with a tombstone or a new value",
    ErasedBy.SWEEP: "`winback erase`, with a tombstone each",
    ErasedBy.COMPANY: "the company: it is not ours",
}


def table(settings: Settings) -> str:
    """Return the table in Markdown."""
    rows = [
        f"| `{topic.name}` | {_ENDS[topic.erased_by]} | {_kept(topic)} | {_gone(topic)} |\n"
        for topic in topics(settings)
    ]
    return "".join((*_HEAD, *rows))


def with_table(page: str, settings: Settings) -> str:
    """Return the page with the table of now between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return "".join((before, BEGIN, table(settings), END, after))


def _kept(topic: Topic) -> str:
    if topic.is_compacted:
        return "the last value"
    return f"{int(topic.configs['retention.ms']) // DAY_MS} d"


def _gone(topic: Topic) -> str:
    said = in_words(topic.gone_after_ms)
    return f"{said}, if winback made it" if topic.erased_by is ErasedBy.COMPANY else said


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_table(path.read_text(encoding="utf-8"), Settings()), encoding="utf-8")
