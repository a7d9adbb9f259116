"""Every record says which version of its message it carries."""

import pytest

from winback_sender.contract.messages import cloud_event
from winback_sender.contract.versions import FIRST, HEADER, MAJORS, dataschema, major_of


@pytest.mark.parametrize("kind", [*MAJORS, "decision"])
def test_the_version_that_is_stated_is_the_version_that_is_read(kind: str) -> None:
    headers = dict(cloud_event(kind, "1", "/winback", "2017-06-01T01:00:00.000Z", "ada"))

    assert headers[HEADER].decode() == dataschema(kind)
    assert major_of(headers[HEADER]) == MAJORS.get(kind, FIRST)


def test_a_record_without_a_version_is_of_the_first() -> None:
    assert major_of(None) == FIRST


@pytest.mark.parametrize(
    "stated",
    [b"", b"urn:winback:touch.requested", b"urn:winback:touch.requested:0", b"\xff",
     b"https://schemas.example/touch/1", b"urn:winback:touch.requested:1\n",
     b"urn:winback:touch.requested:99999999999999999999"],
)  # fmt: skip
def test_a_version_that_cannot_be_read_is_none_that_we_know(stated: bytes) -> None:
    assert major_of(stated) == 0
    assert 0 not in MAJORS.values()
