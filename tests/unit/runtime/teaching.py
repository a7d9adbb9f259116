"""What the stories of the learner are told with: chunks, blocks, orders."""

from collections.abc import Iterable

import lightgbm
import msgspec
import numpy as np

from models.features import FEATURES, features_hash
from models.roster_records import SERVING
from streams.core.rules_file import parse_rules
from streams.core.teaching import EpisodeBlock, ExampleBlock, ModelOrder
from streams.orders import Action, guest, ordered
from streams.runtime.columns import Chunk, Columns
from streams.runtime.learner import LearnerEngine
from streams.settings import Settings

RULES = parse_rules("")
SETTINGS = Settings()
KEYS = SETTINGS.model_keys
DAY_MS = 86_400_000
NOW_MS = 1_700_000_000_000
TOPIC = "churn-examples"


def chunk(topic: str, first: int, records: list[tuple[bytes | None, bytes | None]]) -> Chunk:
    end = first + len(records)
    keys, values = [key for key, _ in records], [value for _, value in records]
    columns = Columns(first, end, keys, values, list(range(first, end)), [NOW_MS] * len(records))
    return Chunk(topic, 0, columns, 1)


def block(count: int, seed: int, **changes: object) -> bytes:
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, len(FEATURES))).astype("<f4")
    made = ExampleBlock(
        features_hash=features_hash(), rules_hash=RULES.hash, horizon_ms=RULES.churn.horizon_ms,
        count=count, opened_at_ms=np.zeros(count).tobytes(),
        matured_at_ms=np.full(count, float(NOW_MS + seed)).tobytes(),
        active=(rows[:, 0] > 0).astype("u1").tobytes(),
        weight=np.ones(count, "<f4").tobytes(), rows=rows.tobytes(),
    )  # fmt: skip
    return msgspec.msgpack.encode(msgspec.structs.replace(made, **changes))


def episodes(count: int, seed: int) -> bytes:
    """Return episodes of a playbook of which variant b brings people back, and a does not."""
    random = np.random.default_rng(seed)
    treated = random.random(count) < 0.8
    is_b = random.random(count) < 0.5
    returned = random.random(count) < np.where(treated & is_b, 0.7, 0.2)
    at_ms = np.full(count, float(NOW_MS + seed))
    made = EpisodeBlock(
        features_hash=features_hash(), rules_hash=RULES.hash, count=count,
        exposed_at_ms=at_ms.tobytes(), matured_at_ms=(at_ms + DAY_MS).tobytes(),
        treated=treated.astype("u1").tobytes(), returned=returned.astype("u1").tobytes(),
        value_change=returned.astype("<f8").tobytes(),
        propensity=np.where(treated, 0.4, 0.2).tobytes(),
        variant_propensity=np.where(treated, 0.5, 1.0).tobytes(),
        playbooks=("winback",) * count, variants=tuple("b" if is_it else "a" for is_it in is_b),
        channels=("sms",) * count,
        rows=random.normal(size=(count, len(FEATURES))).astype("<f4").tobytes(),
    )  # fmt: skip
    return msgspec.msgpack.encode(made)


def feed(engine: LearnerEngine, values: Iterable[bytes]) -> None:
    """Do what a lane does, a record at a time."""
    for value in values:
        first = engine.applied.get(TOPIC, 0)
        engine.apply(chunk(TOPIC, first, [(None, value)]))
        engine.applied[TOPIC] = first + 1


def order(action: Action, name: str = "", body: str = "", *, at_ms: int = NOW_MS) -> ModelOrder:
    return ordered(action, name, body, at_ms=at_ms, keys=KEYS)


def give(engine: LearnerEngine, *orders: ModelOrder) -> None:
    feed(engine, map(msgspec.msgpack.encode, orders))


def trees(width: int = 31, rounds: int = 3) -> str:
    """Return the text of a booster that somebody fitted to 400 examples."""
    random = np.random.default_rng(5)
    rows = random.normal(size=(400, width))
    data = lightgbm.Dataset(rows, rows[:, 0] > 0)
    options = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    text: str = lightgbm.train(options, data, rounds).model_to_string()
    return text


def add_order(name: str, text: str, *, at_ms: int = NOW_MS) -> ModelOrder:
    snapshot = guest(name, text, RULES.churn.horizon_ms)
    return order(Action.ADD, snapshot.name, msgspec.json.encode(snapshot).decode(), at_ms=at_ms)


def topic_of(engine: LearnerEngine, topic: dict[bytes, bytes] | None = None) -> dict[bytes, bytes]:
    """Return the topic of models after another commit."""
    kept = {} if topic is None else topic
    for key, value in engine.take().changelog:
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = value
    return kept


def served(engine: LearnerEngine) -> bytes:
    """Return the record that workers follow."""
    return topic_of(engine)[SERVING.encode()]
