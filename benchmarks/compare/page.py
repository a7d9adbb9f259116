"""The table of the comparison, in both READMEs, from the figures.

python -m benchmarks.compare.page
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.figures import ROOT, Figure, read_all

BEGIN: Final = "<!-- bench: make bench-table writes this -->"
END: Final = "<!-- /bench -->"


class Row(NamedTuple):
    """One row of the table.

    Attributes:
        english: What it is.
        chinese: The same.
        cost: Figure of the CPU per event.
        ratio: Figure of how many times winback's that is.
        promise: What it guarantees, in both languages.
    """

    english: str
    chinese: str
    cost: str
    ratio: str = ""
    promise: tuple[str, str] = ("", "")


ONCE: Final = ("exactly once, ≤ 0.1 s", "恰好一次，≤ 0.1 秒")
QUIX: Final = ("at least once, 5 s", "至少一次，5 秒")
FAUST: Final = ("none after a crash", "崩溃后无保证")
NONE: Final = ("no state, no model", "无状态、无模型")
ROWS: Final = (
    Row("**winback**, 50,000 users, 20 days", "**winback**，5 万用户，20 天", "peer_us:winback",
        "", ONCE),
    Row("Bytewax 0.21, in batches", "Bytewax 0.21，批处理", "peer_us:bytewax",
        "peer_ratio:bytewax", ("local disk only, 10 s of duplicates", "仅本地磁盘，重复 10 秒")),
    Row("Quix Streams 3, batched by hand", "Quix Streams 3，手工攒批", "peer_us:quix",
        "peer_ratio:quix", QUIX),
    Row("the same, as prompt as winback", "同上，与 winback 同样及时", "peer_us:quix-prompt",
        "peer_ratio:quix-prompt", ONCE),
    Row("stock Faust, `take()`", "原版 Faust，`take()`", "peer_us:faust",
        "peer_ratio:faust", FAUST),
    Row("**winback**, 2,000 users, 60 days", "**winback**，2 千用户，60 天",
        "peer_us:winback-singly", "", ONCE),
    Row("Quix Streams 3, event by event", "Quix Streams 3，逐条", "peer_us:quix-singly",
        "peer_ratio:quix-singly", QUIX),
    Row("stock Faust, event by event", "原版 Faust，逐条", "peer_us:faust-singly",
        "peer_ratio:faust-singly", FAUST),
    Row("**winback**, 50,000 users, 60 days", "**winback**，5 万用户，60 天",
        "cpu_us_per_event", "", ONCE),
    Row("floor: reads, decodes, writes as much; columns", "下限：读取、解码、写同样多；列式",
        "floor_us:columns", "", NONE),
    Row("floor: aiokafka", "下限：aiokafka", "floor_us:aiokafka", "", NONE),
    Row("floor: confluent-kafka", "下限：confluent-kafka", "floor_us:confluent", "", NONE),
    Row("**winback**, a million users", "**winback**，100 万用户",
        "cpu_us_per_event_many", "", ONCE),
)  # fmt: skip
HEADS: Final = (
    ("", "CPU per event", "times winback's", "after a crash"),
    ("", "每个事件的 CPU", "相对 winback", "崩溃之后"),
)
READMES: Final = ("README.md", "README.zh.md")


def table(found: Mapping[str, Figure], language: int) -> str:
    """Return the table, in English (0) or Chinese (1); what was not measured is a dash."""
    heads = HEADS[language]
    lines = [f"| {' | '.join(heads)} |", "|---|--:|--:|---|"]
    for row in ROWS:
        told = (row.english, row.chinese)[language]
        cost, ratio = (_said(found.get(name)) for name in (row.cost, row.ratio))
        lines.append(
            f"| {told} | {cost} | {ratio if row.ratio else ''} | {row.promise[language]} |"
        )
    shown = {name for row in ROWS for name in (row.cost, row.ratio)}
    measured = [found[name] for name in shown & found.keys()]
    where = "; ".join(sorted({f"{figure.machine}, {figure.date[:10]}" for figure in measured}))
    if measured:
        lines += ["", f"({where})" if language == 0 else f"（{where}）"]
    return "\n".join(lines)


def _said(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    digits = 0 if figure.value >= 100 else 1
    return f"{figure.value:,.{digits}f} {figure.unit}"


def inserted(text: str, block: str) -> str:
    """Return a page with the block between its markers.

    Raises:
        ValueError: It has no markers.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{block}\n{END}{after}"


def write(root: Path = ROOT) -> None:
    """Write the table into both READMEs."""
    found = {figure.name: figure for figure in read_all()}
    for language, name in enumerate(READMES):
        path = root / name
        path.write_text(inserted(path.read_text("utf-8"), table(found, language)), "utf-8")


if __name__ == "__main__":
    write()
