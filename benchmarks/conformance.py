"""Our own senders, and a naive one, under the conformance kit.

    python -m benchmarks.conformance [NAME …] [--runs N] [--seed N]

Names are those of our adapters and ``naive``; without any, all. Writes the tables of
``docs/conformance.md``.
"""

import argparse
import platform
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks import figures
from benchmarks.conformance_promised import MUST, NAMES, OTHERS
from streams.runtime.embedded.fixture import EmbeddedKafka
from winback_sender.cluster import Cluster
from winback_sender.conformance.page import Verdict, facts, markdown
from winback_sender.conformance.series import Series, verdicts

PYTHON: Final = sys.executable
KIT: Final = f"{Path(PYTHON).with_name('winback-sender')}"
ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs/conformance.md"
NAIVE: Final = "naive"
CHANNELS: Final = {"wecom": "wecom", "email": "email"} | dict.fromkeys(
    ("wechat_template", "wechat_subscribe"), "wechat"
)
"""Provider to the channel that it is tested with; the others send ``sms``."""
LENGTH_S: Final = 10.0


def main() -> None:
    """Run, record the figures, write the tables."""
    parser = argparse.ArgumentParser(description="Our senders under the conformance kit.")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="winback-conformance-"))
    clean = True
    with EmbeddedKafka() as kafka:
        for name in args.names or [*NAMES, NAIVE]:
            found = tried(name, kafka.bootstrap, folder / name, args.seed, args.runs)
            clean &= name == NAIVE or all(verdict.is_clean for verdict in found)
    sys.stdout.write(f"logs and evidence: {folder}\n")
    sys.exit(not clean)


def tried(name: str, bootstrap: str, folder: Path, seed: int, runs: int) -> list[Verdict]:
    """Test one sender; record and write what was found."""
    if name == NAIVE:
        command, provider, runs = f"{PYTHON} examples/senders/naive.py", "postbox", min(runs, 3)
    else:
        command, provider = f"{KIT} --channel {CHANNELS.get(name, 'sms')}={name}", name
    series = Series(command, Cluster.plain(bootstrap), provider, length_s=LENGTH_S)
    found = []
    for verdict in verdicts(series, range(seed, seed + runs), folder):
        found.append(verdict)
        faults = {each.kind: len(each.faults) for each in verdict.findings if each.faults}
        sys.stdout.write(f"{name} seed {verdict.seed}: {faults or 'clean'}\n")
        sys.stdout.flush()
    record(name, found)
    return found


def record(name: str, found: list[Verdict]) -> None:
    """Write the figures of a sender, and its table in the docs."""
    said = facts(found)
    faults = {kind: each["faults"] for kind, each in said["findings"].items()}
    note = (
        f"{said['runs']} runs from seed {said['seeds'][0]}, {said['touches']:,} touches, "
        f"{said['unclear_calls']:,} calls without a clear answer, "
        f"{said['kills']:,} of {said['processes']:,} processes killed"
    )
    prefix = f"conformance.{name}"
    if name == NAIVE:
        figures.show([figures.record(f"{prefix}.sent_twice", faults["sent_twice"], note=note)])
        line = 'winback sender conformance --command "python examples/senders/naive.py"'
        where = f"--seed {said['seeds'][0]} --runs {said['runs']}"
        about = f"python {platform.python_version()}, commit {figures.versions()['commit']}"
        write(NAIVE, markdown(found, f"{line} {where}", about))
        return
    made = [figures.record(f"{prefix}.{kind}", faults[kind], note=note) for kind in MUST]
    others = sum(count for kind, count in faults.items() if kind not in MUST)
    figures.show([*made, figures.record(f"{prefix}.{OTHERS}", others, note=note)])
    write("own", own_table())


def own_table() -> str:
    """Return what was measured of our own senders, one line each."""
    measured = {figure.name: figure for figure in figures.read_all()}
    kinds = [*MUST, OTHERS]
    lines = [
        "`python -m benchmarks.conformance`",
        "",
        f"| sender | {' | '.join(kind.replace('_', ' ') for kind in kinds)} | measured |",
        f"|---|{'---:|' * len(kinds)}---|",
    ]
    for name in NAMES:
        found = [measured.get(f"conformance.{name}.{kind}") for kind in kinds]
        if any(found):
            cells = " | ".join("–" if each is None else f"{each.value:g}" for each in found)
            note = next(each.note for each in found if each is not None)
            lines.append(f"| {name} | {cells} | {note} |")
    return "\n".join(lines) + "\n"


def write(mark: str, text: str) -> None:
    """Put a table between its marks in the docs."""
    page = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
    head, rest = page.split(begin)
    PAGE.write_text(f"{head}{begin}{text}{end}{rest.split(end)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
