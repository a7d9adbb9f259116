"""One world from beginning to end: made, run, judged."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from streams.core.rules import Rules
from streams.core.rules_file import parse_rules
from streams.core.scoring import Scorer
from streams.errors import UserError
from streams.replay.apprentice import Apprentice
from streams.replay.fleet import Fleet
from streams.simulation.known import KnownScorer
from streams.simulation.law import law_of
from streams.simulation.loop import Loop
from streams.simulation.novice import Novice
from streams.simulation.policies import Policy, scorer_under, sections_under
from streams.simulation.referee import Referee
from streams.simulation.rulebook import sections_of, written
from streams.simulation.run import Run
from streams.simulation.scenario import Scenario
from streams.simulation.verdicts import Verdicts, judged
from streams.simulation.watch import Watcher
from streams.simulation.world import make_world
from winback_sender.contract.messages import Output
from winback_sender.documents.faults import RulesRefused


class Choices(NamedTuple):
    """How a world is to be run.

    Attributes:
        policy: Whom to contact first.
        learns: Whether models are learned on the way; else one that needs no learning speaks.
        sections: Sections of the rules that differ from the scenario's, as YAML reads them.
        keeps: Whether every record is kept.
    """

    policy: Policy = Policy.FULL
    learns: bool = False
    sections: Mapping[str, Any] = MappingProxyType({})
    keeps: bool = False


USUAL: Final = Choices()


class Outcome(NamedTuple):
    """A world that was run.

    Attributes:
        run: Everything that happened.
        verdicts: What it came to.
        sections: The rules file that was in force, as YAML reads it.
    """

    run: Run
    verdicts: Verdicts
    sections: dict[str, Any]


def simulated(
    scenario: Scenario,
    seed: int,
    choices: Choices = USUAL,
    tell: Callable[[float], None] | None = None,
) -> Outcome:
    """Run the world of a scenario and a seed and hold it against the truth.

    Raises:
        UserError: With the sections that were chosen, the rules cannot be used.
    """
    sections = sections_under(choices.policy, sections_of(scenario) | dict(choices.sections))
    rules = _rules(sections, scenario.name)
    if "churn" in choices.sections:
        scenario = msgspec.structs.replace(scenario, horizon_days=rules.horizon_days)
    world = make_world(scenario, seed)
    student = _Learner(rules, choices)
    scorer = scorer_under(choices.policy, student.scorer(), rules.alert.probability)
    run = Loop(world, rules, scorer, student=student, keeps=choices.keeps).run(tell)
    referee = Referee(rules, sections)
    referee.watch(run)
    law = law_of(sections)
    verdicts = judged(run, student.looks, law, referee.violations, choices.policy)
    return Outcome(run, verdicts, sections)


def _rules(sections: dict[str, Any], name: str) -> Rules:
    text = written(sections)
    try:
        return parse_rules(text, f"rules of {name}")
    except RulesRefused as error:
        lines = text.splitlines()  # Nobody has this file: what is wrong is shown, not counted.
        said = [f"{lines[one.line - 1].strip()}: {one.what}" for one in error.complaints]
        raise UserError(
            "\n".join(said) or str(error), "mend the sections of --rules or --playbooks"
        ) from None


class _Learner(Watcher):
    """Learns who leaves and what contact does, as the learner of a deployment would."""

    def __init__(self, rules: Rules, choices: Choices) -> None:
        super().__init__(rules.churn.horizon_ms)
        self._rules, self._choices = rules, choices
        self._apprentice = Apprentice(rules) if choices.learns else None
        self._novice = Novice(rules.hash)

    def scorer(self) -> Scorer:
        """Return the model in force now."""
        if self._apprentice is None:
            return KnownScorer(float(self._rules.churn.horizon_ms))
        return self._apprentice.scorer()

    def receive(self, records: list[Output]) -> None:
        """Take what the partitions taught."""
        if self._apprentice is not None:
            self._apprentice.receive(records)
        self._novice.receive(records)

    def learn(self, fleet: Fleet, run: Run, at_ms: int) -> None:
        """Put in force what is known now."""
        if self._apprentice is not None:
            self._apprentice.learn_before(at_ms)
            threshold = self._rules.alert.probability
            fleet.use(scorer_under(self._choices.policy, self._apprentice.scorer(), threshold))
        if self._choices.policy is Policy.FULL and self._novice.learn_before(at_ms):
            fleet.advise(self._novice.policy())
        super().learn(fleet, run, at_ms)
