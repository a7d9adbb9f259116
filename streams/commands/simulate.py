"""``winback simulate``: worlds with known truth, run through the service, judged by a referee."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from streams.commands.counted import counted
from streams.errors import Exit, UserError

if TYPE_CHECKING:
    from streams.replay.progress import Progress
    from streams.simulation.scenario import Scenario
    from streams.simulation.verdicts import Verdicts

POLICIES = ("full", "ungated", "risk_first", "random")


@click.command()
@click.option("--scenario", "names", metavar="NAME", multiple=True,
              help="A scenario, or all; may be repeated. Default: steady.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True,
              help="Chance of the first world.")  # fmt: skip
@click.option("--worlds", type=click.IntRange(min=1), default=1, show_default=True,
              help="Worlds of each scenario, each with a seed of its own.")  # fmt: skip
@click.option("--users", type=click.IntRange(min=1), help="Default: as the scenario has it.")
@click.option("--days", type=click.IntRange(min=2), help="Default: as the scenario has it.")
@click.option("--rules", metavar="YAML", help="Sections of a rules file that differ.")
@click.option("--playbooks", metavar="YAML", help="A file of playbooks instead of the built-in.")
@click.option("--policy", "policies", type=click.Choice(POLICIES), multiple=True,
              help="Whom to contact first; repeat it to compare. Default: full.")  # fmt: skip
@click.option("--learn", is_flag=True, help="Learn who leaves on the way, as the service does.")
@click.option("--jobs", type=click.IntRange(1, 1024), metavar="N",
              help="Processes that run the worlds; they say the same. Default: one per core, and "
              "no more than worlds, or than 100,000 days of users.")  # fmt: skip
@click.option("--out", metavar="DIR", help="Write log, touches, decisions, feedback and truth.")
@click.option("--list", "lists", is_flag=True, help="List the scenarios.")
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a world.")
def simulate(
    *,
    names: tuple[str, ...],
    seed: int,
    worlds: int,
    users: int | None,
    days: int | None,
    rules: str | None,
    playbooks: str | None,
    policies: tuple[str, ...],
    learn: bool,
    jobs: int | None,
    out: str | None,
    lists: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Run worlds with known truth through the service: what it finds, does, earns and harms.

    Users of several kinds live, leave and answer to touches as was drawn beforehand; a referee
    holds everything that goes out against the rules. Exit code 1: a rule was broken.
    """
    from streams.replay.crew import cores  # noqa: PLC0415 (quick --help)
    from streams.replay.progress import Progress  # noqa: PLC0415
    from streams.simulation.catalogue import SCENARIOS, resized  # noqa: PLC0415
    from streams.simulation.policies import Policy  # noqa: PLC0415
    from streams.simulation.record import write_files  # noqa: PLC0415
    from streams.simulation.simulate import Choices, simulated  # noqa: PLC0415
    from streams.simulation.worlds import JOB_USER_DAYS, World, user_days, verdicts_of  # noqa: PLC0415

    if lists:
        _list(list(SCENARIOS.values()), as_json=as_json)
        return Exit.OK
    picked = [resized(scenario, users, days) for scenario in _picked(names, SCENARIOS)]
    sections = _sections(rules, playbooks)
    ways = [Policy(name) for name in policies or ("full",)]
    plan = [
        World(scenario, seed + n, Choices(way, learn, sections, keeps=out is not None))
        for scenario in picked for n in range(worlds) for way in ways
    ]  # fmt: skip
    if out is not None and len(plan) > 1:
        raise UserError("--out is for one world", "name one --scenario, one --policy, --worlds 1")
    with Progress("simulating", is_quiet=quiet or as_json) as progress:
        if out is not None:
            outcome = simulated(*plan[0], lambda share: progress.part(share, 1, picked[0].name))
            found = [outcome.verdicts]
            write_files(outcome, Path(out))
        else:
            hands = jobs or min(cores(), 1 + sum(map(user_days, plan)) // JOB_USER_DAYS)
            tell = partial(_show, progress, len(plan))
            found = list(verdicts_of(plan, min(hands, len(plan)), tell))
    _say(found, picked, as_json=as_json)
    if out is not None and not as_json:
        click.echo(f"  written    {out}")
    return Exit.FAILED if any(verdicts.violations for verdicts in found) else Exit.OK


def _show(progress: "Progress", total: int, done: float, said: str) -> None:
    progress.part(done, total, said)


def _picked(names: tuple[str, ...], known: "dict[str, Scenario]") -> "list[Scenario]":
    """Return the scenarios of some names."""
    from difflib import get_close_matches  # noqa: PLC0415 (only here)

    if "all" in names:
        return list(known.values())
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "winback simulate --list names them"
            raise UserError(f"there is no scenario {name!r}", hint)
    return [known[name] for name in names or ("steady",)]


def _sections(rules: str | None, playbooks: str | None) -> dict[str, Any]:
    """Return the sections of a rules file and of a file of playbooks, as YAML reads them."""
    import yaml  # noqa: PLC0415 (quick --help)

    sections: dict[str, Any] = {}
    for path in (rules, playbooks):
        if path is None:
            continue
        try:
            read = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UserError(f"{path} is no YAML: {error}") from None
        if not isinstance(read, dict):
            raise UserError(f"{path} has no sections", "write it as in deploy/rules/default.yaml")
        wanted = {"playbooks": read.get("playbooks", [])} if path == playbooks else read
        sections |= wanted
    sections.pop("mode", None)  # Nothing leaves a simulation; what it would do is the question.
    return sections


def _list(scenarios: "list[Scenario]", *, as_json: bool) -> None:
    if as_json:
        rows = [{"name": scenario.name, "what": scenario.what} for scenario in scenarios]
        click.echo(msgspec.json.encode(rows).decode())
        return
    for scenario in scenarios:
        click.echo(f"{scenario.name:17} {scenario.what}")


def _say(found: "list[Verdicts]", scenarios: "list[Scenario]", *, as_json: bool) -> None:
    from streams.simulation.words import compared, told  # noqa: PLC0415 (quick --help)

    if as_json:
        for verdicts in found:
            click.echo(msgspec.json.encode(verdicts).decode())
        return
    what = {scenario.name: scenario.what for scenario in scenarios}
    if len(found) == 1:
        click.echo(told(found[0], what[found[0].scenario]))
        return
    click.echo(compared(found))
    for verdicts in found:
        for broken in verdicts.violations[:3]:
            where = f"{verdicts.scenario}/{verdicts.seed}/{verdicts.policy}"
            click.echo(f"  {where}: {broken.rule}, {broken.user_id} at {broken.at}, "
                       f"{broken.detail}")  # fmt: skip
    total = sum(len(verdicts.violations) for verdicts in found)
    click.echo(f"{counted(len(found), 'world')}, {counted(total, 'violation')}")
