"""Messages to the learner: what users teach, as columns, and what operators order."""

import msgspec


class ExampleBlock(msgspec.Struct, frozen=True, array_like=True, tag="hazard"):
    """Matured training examples of one kind, as columns of little-endian numbers.

    Attributes:
        features_hash: Which list of features the rows follow.
        rules_hash: Which churn definition made them.
        horizon_ms: H of that definition.
        count: Number of examples n.
        opened_at_ms: n × float64: the grid instant whose features the row holds.
        matured_at_ms: n × float64: when the label was complete, opened + period.
        active: n × uint8: 1 = active within the period.
        weight: n × float32.
        rows: n × features × float32.
    """

    features_hash: str
    rules_hash: str
    horizon_ms: int
    count: int
    opened_at_ms: bytes
    matured_at_ms: bytes
    active: bytes
    weight: bytes
    rows: bytes


class OpeningBlock(msgspec.Struct, frozen=True, array_like=True, tag="opening"):
    """Questions whose answer is known one horizon later: who was asked about, and the numbers then.

    Attributes:
        features_hash: Which list of features the numbers are for.
        rules_hash: Which churn definition made them.
        horizon_ms: H of that definition.
        count: Number of openings n.
        users: n × uint64: whose it is, a keyed hash of the user id.
        at_ms: n × float64: the grid instant.
        heads: n × width × float64: the numbers of the state, those of the rhythm first.
    """

    features_hash: str
    rules_hash: str
    horizon_ms: int
    count: int
    users: bytes
    at_ms: bytes
    heads: bytes


class OutcomeBlock(msgspec.Struct, frozen=True, array_like=True, tag="outcome"):
    """What became of users one horizon after they were asked about.

    Whether there was an opening is for the reader to know: an outcome without one means nothing.

    Attributes:
        features_hash: As of the openings.
        rules_hash: As of the openings.
        horizon_ms: H of that definition.
        count: Number of outcomes n.
        users: n × uint64, as of the openings.
        opened_at_ms: n × float64: the grid instant of the opening.
        matured_at_ms: n × float64: opened + H.
        churned: n × uint8: 1 = no activity in [opened, opened + H).
        weight: n × float32.
    """

    features_hash: str
    rules_hash: str
    horizon_ms: int
    count: int
    users: bytes
    opened_at_ms: bytes
    matured_at_ms: bytes
    churned: bytes
    weight: bytes


class EpisodeBlock(msgspec.Struct, frozen=True, array_like=True, tag="episode"):
    """Matured episodes, as columns, for the models of choice and of uplift.

    Attributes:
        features_hash: Which list of features the rows follow.
        rules_hash: Which churn definition made them.
        count: Number of episodes n.
        exposed_at_ms: n × float64.
        matured_at_ms: n × float64.
        treated: n × uint8: 1 = treated, 0 = held out.
        returned: n × uint8.
        value_change: n × float64, minor units.
        propensity: n × float64: probability of the arm (treated or not) times that of the variant.
        playbooks: n names.
        variants: n names.
        channels: n names: channel of the first touch.
        rows: n × features × float32, as of the exposure.
        variant_propensity: n × float64: that of the variant alone, 1 for who was held out.
    """

    features_hash: str
    rules_hash: str
    count: int
    exposed_at_ms: bytes
    matured_at_ms: bytes
    treated: bytes
    returned: bytes
    value_change: bytes
    propensity: bytes
    playbooks: tuple[str, ...]
    variants: tuple[str, ...]
    channels: tuple[str, ...]
    rows: bytes
    variant_propensity: bytes


class ModelOrder(msgspec.Struct, frozen=True, array_like=True, tag="order"):
    """An operator's word on the models, carried out by the learner in its turn.

    Attributes:
        action: promote, rollback or add.
        name: Of the model; empty for a rollback.
        body: The model itself, JSON, for add; else empty.
        ordered_at: When it was given.
        mac: HMAC-SHA256, hex, of the rest by the key that signs models.
    """

    action: str
    name: str
    body: str
    ordered_at: str
    mac: str


class Forgotten(msgspec.Struct, frozen=True, array_like=True, tag="forgotten"):
    """Users who were erased: what was asked about them is not kept any longer.

    Attributes:
        count: Number of users n.
        users: n × uint64, as of the openings.
    """

    count: int
    users: bytes


LearnerInput = ExampleBlock | OpeningBlock | OutcomeBlock | ModelOrder | EpisodeBlock | Forgotten
"""What the learner reads from the topic of examples, one record each."""
