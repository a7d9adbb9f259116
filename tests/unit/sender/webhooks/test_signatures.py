"""Signatures of Standard Webhooks."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback_sender.errors import UserError
from winback_sender.webhooks.signatures import WINDOW_S, RefusedError, Signer

OLD, NEW = ("whsec_" + base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
BODY = b'{"test": 2432232314}'


def test_the_example_of_the_reference_libraries() -> None:
    """``libraries/javascript/src/webhook.test.ts``, "sign function works"."""
    signer = Signer("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "SECRET")

    assert signer.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, BODY) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert Signer("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "SECRET").headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, BODY
    ) == signer.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, BODY)


def test_while_a_secret_is_changed_either_side_may_be_first() -> None:
    old, both, new = Signer(OLD, "S"), Signer(f"{NEW} {OLD}", "S"), Signer(NEW, "S")
    signed = both.headers("m1", 1_000, BODY)

    assert len(signed["webhook-signature"].split()) == 2
    for receiver in (old, both, new):
        assert receiver.verify(signed, BODY, 1_000) == "m1"
    for sender in (old, new):
        assert both.verify(sender.headers("m1", 1_000, BODY), BODY, 1_000) == "m1"
    with pytest.raises(RefusedError, match="no webhook-signature fits"):
        new.verify(old.headers("m1", 1_000, BODY), BODY, 1_000)


def test_signatures_of_other_kinds_stand_beside_ours() -> None:
    signer = Signer(OLD, "S")
    signed = signer.headers("m1", 1_000, BODY)
    signed["webhook-signature"] = f"v1a,x v2,x v1, é {signed['webhook-signature']} v1,Ceo5qEr0="

    assert signer.verify(signed, BODY, 1_000) == "m1"


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": ""},
        {"webhook-id": "m2"},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "hello"},
        {"webhook-timestamp": "-1000"},
        {"webhook-timestamp": "１０００"},
        {"webhook-timestamp": "1001"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,dawfeoifkpqwoekfpqoekf"},
        {"webhook-id": "m\udcff"},
        {"webhook-signature": "v1,\udcff"},
    ],
)
def test_what_was_changed_on_the_way_is_refused(change: dict[str, str]) -> None:
    signer = Signer(OLD, "S")
    with pytest.raises(RefusedError):
        signer.verify(signer.headers("m1", 1_000, BODY) | change, BODY, 1_000)


@pytest.mark.parametrize("away_s", [-WINDOW_S - 1, WINDOW_S + 1])
def test_a_message_of_another_time_is_refused(away_s: int) -> None:
    signer = Signer(OLD, "S")
    signed = signer.headers("m1", 10_000, BODY)

    with pytest.raises(RefusedError, match="300 s away"):
        signer.verify(signed, BODY, 10_000 + away_s)
    assert signer.verify(signed, BODY, 10_000 + away_s * WINDOW_S // (WINDOW_S + 1)) == "m1"


@pytest.mark.parametrize(
    "secret", ["", " ", "whsec_", "whsec_c2hvcnQ=", "whsec_***", "whsec_" + "QUJD" * 30]
)
def test_a_secret_that_is_none_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(UserError, match="24 to 64 bytes") as refused:
        Signer(secret, "WINBACK_SENDER_WEBHOOK_SECRET")
    assert "c2hvcnQ" not in refused.value.message + refused.value.hint


@given(st.binary(max_size=64), st.integers(0, 63))
def test_no_other_body_passes(body: bytes, place: int) -> None:
    signer = Signer(OLD, "S")
    signed = signer.headers("m1", 1_000, body)
    other = bytearray(body or b"x")
    other[place % len(other)] ^= 1

    assert signer.verify(signed, body, 1_000) == "m1"
    with pytest.raises(RefusedError):
        signer.verify(signed, bytes(other), 1_000)
