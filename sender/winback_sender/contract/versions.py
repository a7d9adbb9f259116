"""Which version of a message is meant: the CloudEvents attribute ``dataschema`` of every record.

Source:
    CloudEvents 1.0.2, §dataschema: an incompatible change of the schema has a URI of its own.
"""

import re
from typing import Final

HEADER: Final = "ce_dataschema"
FIRST: Final = 1
MAJORS: Final = {
    "touch.requested": FIRST, "touch.revoked": FIRST, "case.closed": FIRST, "user.erased": FIRST,
    "feedback": FIRST,
}  # fmt: skip
"""Kind of a message to the version that is written, and the highest that is read.

Within a version nothing changes that a reader could stumble over (`winback contracts check`). What
stands in no contract with senders has the first version.
"""

_URN: Final = re.compile(r"urn:winback:[a-z.]+:([1-9][0-9]{0,3})")


def dataschema(kind: str) -> str:
    """Return the name of a kind's schema: ``urn:winback:touch.requested:1``."""
    return f"urn:winback:{kind}:{MAJORS.get(kind, FIRST)}"


def major_of(stated: bytes | None) -> int:
    """Return the version that a record states in its header; 0 = it cannot be read.

    Args:
        stated: Value of the header; None = there is none, which is how the first version began.
    """
    if stated is None:
        return FIRST
    found = _URN.fullmatch(stated.decode(errors="replace"))
    return int(found[1]) if found else 0
