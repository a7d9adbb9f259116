"""What would become of dead letters, and of how many."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from streams.commands.counted import counted
from winback_sender.terminal import printable

if TYPE_CHECKING:
    from streams.replay.letters import Judge, Judged
    from streams.runtime.dead_letter_desk import Desk
    from streams.runtime.dead_letter_sends import Send
    from streams.runtime.dead_letter_survey import Wanted
    from streams.runtime.letters import Opened, Place


class Plan:
    """What would become of the open letters that were chosen.

    Args:
        desk: Where they lie.
        judge: Says what the rules make of them.
        wanted: Chooses them.
        is_forced: Also those that would be rejected again are sent, where they can be.

    Attributes:
        outcomes: How many letters, by outcome, reason and topic.
        sendable: Names of those that would be closed.
        refused: How many would stay open.
    """

    def __init__(self, desk: "Desk", judge: "Judge", wanted: "Wanted", *, is_forced: bool) -> None:
        self._judge, self._is_forced = judge, is_forced
        survey = desk.survey(wanted)
        self.outcomes = dict[tuple[str, str, str], int]()
        self.sendable: list[Place] = []
        self.refused = 0
        for opened in desk.opened([letter.place for letter in survey.open()]):
            judged = judge.judge(opened)
            told = (judged.outcome, judged.reason, opened.letter.place.topic)
            self.outcomes[told] = self.outcomes.get(told, 0) + 1
            if self._sends(judged) is None:
                self.refused += 1
            else:
                self.sendable.append(opened.letter.place)

    def sends_of(self, opened: "Opened") -> "tuple[Send, ...] | None":
        """Return what a letter is sent as; None = it stays open."""
        return self._sends(self._judge.judge(opened))

    def _sends(self, judged: "Judged") -> "tuple[Send, ...] | None":
        from streams.replay.letters import LEFT_OUT, UNDERSTOOD  # noqa: PLC0415 (quick --help)

        if judged.outcome in {UNDERSTOOD, LEFT_OUT}:
            return judged.sends
        return judged.forced if self._is_forced and judged.forced else None

    def lines(self) -> Iterable[str]:
        """Return it for people."""
        chosen = counted(sum(self.outcomes.values()), "open letter")
        yield f"{chosen} chosen, {len(self.sendable):,} to be closed by it"
        for (outcome, reason, topic), count in sorted(self.outcomes.items()):
            why = f" ({reason})" if reason else ""
            yield printable(f"  {count:>9,}  {outcome}{why}  {topic}")

    def facts(self) -> dict[str, object]:
        """Return it for programs."""
        rows = [
            {"outcome": outcome, "reason": reason, "topic": topic, "letters": count}
            for (outcome, reason, topic), count in sorted(self.outcomes.items())
        ]
        return {"outcomes": rows, "sendable": len(self.sendable), "refused": self.refused}
