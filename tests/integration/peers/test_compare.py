"""The comparison runs to its end, on a log of some thousand events."""

from pathlib import Path

from benchmarks.compare.reckoning import reckoned
from benchmarks.compare.results import Section, read
from benchmarks.compare.sections import SMALL, floors, latency


def test_winback_and_the_floors_below_it(tmp_path: Path) -> None:
    section = Section("floors", tmp_path)
    floors(SMALL, section)
    section.done()

    result = read("floors", tmp_path)

    assert result is not None
    assert all(run.is_whole for run in result.runs)
    found = reckoned({"floors": result})
    assert found["cpu_us_per_event"] > 0.0
    assert found["changelog_bytes_per_event"] > 50.0
    written = {run.entrant: run.volumes["users-changelog"].records for run in result.runs}
    least, most = min(written.values()), max(written.values())
    assert most - least < 0.1 * most, "floors write as many states as winback"


def test_event_to_touch_at_a_pace(tmp_path: Path) -> None:
    section = Section("latency", tmp_path)
    latency(SMALL, section)

    found = reckoned({"latency": section.done()})

    assert section.facts["rate.touches"] > 50
    assert 0.0 < found["touch_latency_p50_ms"] <= found["touch_latency_p999_ms"]
