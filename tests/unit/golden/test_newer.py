"""What a newer version has written is refused with its name, and nothing of it is read."""

import sqlite3
from pathlib import Path

import msgspec
import pytest

from models import upgrades
from models.snapshot import FORMAT, Refusal, Serving, SnapshotRefused, load, seal, unseal
from streams.core.identity import HandedOver, record_of
from streams.core.partition_record import PARTITION_KEY
from streams.core.versions import LAYOUT, ROUTER, STATE, WINBACK
from streams.errors import UserError
from tests.golden.deployment import SETTINGS, Deployment
from tests.golden.stored import HERE, read, versions
from tests.golden.stories import ORDERS
from tests.unit.runtime.teaching import chunk
from tests.unit.runtime.test_engines import pipeline
from winback_sender.engine.journal import Journal
from winback_sender.engine.journal_file import VERSION

NEWER = f"{STATE + 1} (winback 9.9.9)"
NEWEST = versions()[-1]


def record(**changes: object) -> bytes:
    made = pipeline()
    made.core.advance(1)
    made.core.applied["user-activity"] = 1
    said = msgspec.json.decode(dict(made.take().changelog)[PARTITION_KEY])
    return msgspec.json.encode({**said, **changes})


def test_a_state_says_its_version_in_words() -> None:
    layout = msgspec.json.decode(record())["layout"]
    assert layout == LAYOUT == f"{STATE} (winback {WINBACK})"


@pytest.mark.parametrize("users", [{}, {b"ada": b"bytes of tomorrow"}])
def test_a_state_of_a_newer_version_is_refused_with_its_name(users: dict[bytes, bytes]) -> None:
    """Also where there are no users: what else it holds would be lost."""
    heir = pipeline()
    with pytest.raises(UserError, match=r"version 3 \(winback 9\.9\.9\), newer") as refused:
        heir.restore({PARTITION_KEY: record(layout=NEWER, tomorrow=[1]), **users})

    assert "Run the version that wrote it" in refused.value.hint
    assert refused.value.exit_code == 1
    assert not heir.core.applied
    assert heir.core.users == 0
    assert not heir.take()


def test_a_layout_that_was_never_released_is_refused() -> None:
    with pytest.raises(UserError, match="no released version"):
        pipeline().restore({PARTITION_KEY: record(layout="0123456789abcdef")})


def test_a_state_that_a_newer_version_hands_over_stops_the_worker_and_is_not_lost() -> None:
    """The worker dies before it has applied the message: whoever is newer reads it again."""
    heir = pipeline()
    message = record_of(HandedOver("ada", "l1", 1, "cookie", b"bytes of tomorrow", NEWER))
    with pytest.raises(UserError, match="newer than this one"):
        heir.apply(chunk(SETTINGS.topic_identity, 0, [(b"ada", message.value)]))
    assert heir.core.users == 0


def test_a_routers_record_of_a_newer_version_is_refused() -> None:
    deployment = Deployment(HERE / "rules.yaml")
    value = b'{"next_offset":7,"watermark_ms":9,"version":%d}' % (ROUTER + 1)
    with pytest.raises(UserError, match="newer than this one"):
        deployment.router.restore({ORDERS.encode(): value})
    assert deployment.router.applied == {}


@pytest.mark.parametrize("shift", [1, -1])
def test_a_model_of_another_format_is_refused_with_its_number(shift: int) -> None:
    golden, keys = read(NEWEST), (SETTINGS.model_key.encode(),)
    (old,) = (each.value for each in golden.written if each.key == b"serving")
    said = msgspec.json.decode(unseal(old, keys))
    body = msgspec.json.encode({**said, "format": FORMAT + shift})

    with pytest.raises(SnapshotRefused, match=str(FORMAT + shift)) as refused:
        load(seal(body, keys), keys, Serving)
    assert refused.value.reason is Refusal.OTHER_FORMAT
    assert ("newer version" in str(refused.value)) == (shift > 0)


def test_a_model_of_an_older_format_goes_through_every_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = b'{"format":1,"old":1}'
    monkeypatch.setattr(
        upgrades, "STEPS", {1: lambda was: {"two": was["old"]}, 2: lambda was: was | {"three": 1}}
    )
    found = upgrades.brought_up(body, 1, 3)

    assert found is not None
    assert msgspec.json.decode(found) == {"two": 1, "three": 1, "format": 3}
    assert upgrades.brought_up(body, 0, 3) is None


def test_a_senders_journal_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path).close()
    file = sqlite3.connect(path)
    assert file.execute("PRAGMA user_version").fetchone() == (VERSION,)
    file.execute(f"PRAGMA user_version = {VERSION + 1}")
    file.close()

    with pytest.raises(UserError, match="newer than this one") as refused:
        Journal(path)
    assert "twice" in refused.value.hint
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (VERSION + 1,)
