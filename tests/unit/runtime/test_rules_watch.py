"""Changed rules come into force; broken and half-written ones do not, and that is said."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from streams.replay.rulebook import rules_at
from streams.runtime import rules_watch
from streams.runtime.metrics import Metrics
from streams.runtime.rules_watch import Loaded, RulesWatch, version_of

GOOD = "churn: {horizon: 8d}\nlateness: 1m\n"
BETTER = GOOD.replace("1m", "2m")
Step = Callable[[RulesWatch, Path], Coroutine[Any, Any, None]]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_watch, "STILL_S", 0.02)
    monkeypatch.setattr(rules_watch, "TRY_AGAIN_S", 0.05)


class Stage:
    """A file of rules, its watch, and what came into force."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "rules.yaml"
        self.path.write_text(GOOD)
        self.metrics = Metrics()
        self.used: list[Loaded] = []
        self.watch = RulesWatch(self.load(), self.load, self.metrics, self.used.append)

    def load(self) -> Loaded:
        return Loaded(rules_at(str(self.path)), (self.path,), version_of([self.path]))

    def look(self) -> None:
        asyncio.run(self.watch.look())

    @property
    def page(self) -> str:
        return self.metrics.page().decode()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_what_did_not_change_is_not_even_read(stage: Stage) -> None:
    version = version_of([stage.path])
    stage.watch._load = lambda: pytest.fail("read")
    stage.look()
    assert f'winback_rules_in_force{{version="{version}"}} 1.0' in stage.page


@pytest.mark.parametrize("by_rename", [True, False])
def test_a_saved_change_comes_into_force(stage: Stage, *, by_rename: bool) -> None:
    if by_rename:
        new = stage.path.with_suffix(".swp")
        new.write_text(BETTER)
        new.rename(stage.path)
    else:
        stage.path.write_text(BETTER)
    stage.look()
    assert [loaded.rules.lateness_ms for loaded in stage.used] == [120_000]
    assert stage.page.count("winback_rules_in_force{") == 1
    stage.look()
    assert len(stage.used) == 1


@pytest.mark.parametrize("half", ["", "churn: {hori", None])
def test_a_file_that_is_half_written_is_waited_for(stage: Stage, half: str | None) -> None:
    """An editor truncates and writes, or the file is away for a moment."""
    if half is None:
        stage.path.unlink()
    else:
        stage.path.write_text(half)

    async def story() -> None:
        looking = asyncio.create_task(stage.watch.look())
        await asyncio.sleep(0.04)
        stage.path.write_text(BETTER)
        await looking

    asyncio.run(story())
    assert [loaded.rules.lateness_ms for loaded in stage.used] == [120_000]
    assert "winback_rules_refused_total 0.0" in stage.page


def test_a_broken_change_is_told_once_and_the_last_good_one_stays(stage: Stage) -> None:
    stage.path.write_text(GOOD + "lateness_: 3m\n")
    stage.look()
    stage.look()
    assert stage.used == []
    assert "rules.yaml:3:1: unknown field `lateness_`" in stage.watch.refused
    assert "winback_rules_refused_total 1.0" in stage.page
    stage.path.write_text(GOOD)
    stage.look()
    assert (stage.watch.refused, stage.used) == ("", []), "the same as before: nothing to adopt"


def test_what_needs_another_state_is_refused(stage: Stage) -> None:
    stage.path.write_text(GOOD.replace("8d", "9d"))
    stage.look()
    assert stage.used == []
    assert "winback state migrate --rules" in stage.watch.refused


def test_an_empty_file_is_no_order_for_the_shipped_rules(stage: Stage) -> None:
    stage.path.write_text("")
    stage.look()
    assert "is empty" in stage.watch.refused
    assert stage.used == []


def test_shipped_rules_are_not_watched() -> None:
    shipped = Loaded(rules_at(""), (), version_of(()))
    watch = RulesWatch(shipped, lambda: pytest.fail("read"), Metrics(), lambda _: None)
    asyncio.run(watch.follow())
    assert shipped.version == "shipped"
