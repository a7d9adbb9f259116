"""The terms of a partition: what holds for all its users at an instant, besides the rules."""

from streams.core.clocks import Clocks
from streams.core.controls import Controls, Mode
from streams.core.inputs import Terms
from streams.core.rules import Rules
from streams.core.scoring import Advisor


class TermsBook:
    """Says what holds at an instant.

    Attributes:
        controls: What operators have ordered.
        tier_edges: Least value of each tier, highest first.
        loss_edges: Quantiles of what is at risk with users.
        is_fused: Whether the fuse is blown.
        is_shadow: Whether it is a back-test.
    """

    def __init__(self, rules: Rules, clocks: Clocks, *, is_shadow: bool) -> None:
        """Args: ``is_shadow``: it is observed only, whatever rules and operators say."""
        self.is_shadow = is_shadow
        self._clocks = clocks
        self.controls = Controls()
        self.tier_edges: tuple[float, ...] = ()
        self.loss_edges: tuple[float, ...] = ()
        self.is_fused = False
        self._advisor: Advisor | None = None
        self._odds: dict[str, tuple[float, ...]] = {}
        self.adopt(rules)

    def adopt(self, rules: Rules) -> None:
        """Go by changed rules from now on."""
        self._rules = rules
        self.advise(self._advisor)

    def advise(self, advisor: Advisor | None) -> None:
        """Choose variants by what was learned of them from now on."""
        self._advisor, self._odds = advisor, {}
        if advisor is None:
            return
        for book in self._rules.playbooks:
            if book.choice == "bandit" and len(book.variants) > 1:
                names = tuple(variant.name for variant in book.variants)
                self._odds[book.name] = advisor.odds(book.name, names)

    def at(self, at_ms: int) -> Terms:
        """Return what holds at an instant."""
        controls = self.controls
        return Terms(
            Mode.OBSERVE if self.is_shadow else controls.mode_at(at_ms, self._rules.mode),
            controls.is_stopped(at_ms),
            controls.paused_at(at_ms),
            self.tier_edges,
            self._odds,
            self.is_fused,
            self.loss_edges,
            self._clocks.put_off_until(at_ms),
            lag_ms=self._clocks.lag_ms(at_ms),
        )
