"""Episodes on their way to the learner: as few blocks a harvest as fit into a record each."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from models.features import features_hash
from streams.core.effects import RecordEpisode
from streams.core.rules import Rules
from streams.core.teaching import EpisodeBlock

BLOCK_BYTES: Final = 560_000
"""Well below what a broker takes by default (1 MB)."""
NUMBERS_BYTES: Final = 48
"""Of an episode, beside its features and names, and what msgpack says of them."""


class EpisodeCollector:
    """Keeps the matured episodes of a partition until they are taken."""

    def __init__(self, rules: Rules) -> None:
        self._rules_hash = rules.hash
        self._made: list[RecordEpisode] = []

    def add(self, made: RecordEpisode) -> None:
        """Take note of an episode."""
        if made.exposure.features:
            self._made.append(made)

    def take(self) -> list[EpisodeBlock]:
        """Return what gathered since the last call, in blocks that fit into a record."""
        made, self._made = self._made, []
        return [self._block(part) for part in _parts(made)]

    def _block(self, made: list[RecordEpisode]) -> EpisodeBlock:
        exposures = [each.exposure for each in made]
        episodes = [each.episode for each in made]
        treated = np.array([not one.is_held_out for one in episodes], np.uint8)
        shares = [1.0 if one.is_held_out else one.propensity for one in exposures]
        return EpisodeBlock(
            features_hash=features_hash(),
            rules_hash=self._rules_hash,
            count=len(made),
            exposed_at_ms=np.array([one.at_ms for one in exposures], "<f8").tobytes(),
            matured_at_ms=np.array([one.matures_ms for one in exposures], "<f8").tobytes(),
            treated=treated.tobytes(),
            returned=np.array([one.returned for one in episodes], np.uint8).tobytes(),
            value_change=np.array([one.value_change for one in episodes], "<f8").tobytes(),
            propensity=np.array([one.propensity for one in episodes], "<f8").tobytes(),
            playbooks=tuple(one.playbook for one in episodes),
            variants=tuple(one.variant for one in episodes),
            channels=tuple(one.channel for one in episodes),
            rows=b"".join(one.features for one in exposures),
            variant_propensity=np.array(shares, "<f8").tobytes(),
        )


def _parts(made: list[RecordEpisode]) -> Iterator[list[RecordEpisode]]:
    """Yield episodes in parts of at most `BLOCK_BYTES`."""
    start = size = 0
    for place, each in enumerate(made):
        names = each.episode.playbook, each.episode.variant, each.episode.channel
        more = NUMBERS_BYTES + len(each.exposure.features) + sum(len(one.encode()) for one in names)
        if place > start and size + more > BLOCK_BYTES:
            yield made[start:place]
            start, size = place, 0
        size += more
    if made:
        yield made[start:]
