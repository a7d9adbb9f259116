"""``winback``, killed with -9 inside the transaction of its n-th piece; and pieces are small."""

import os
import signal
import sys
from typing import Any

from streams.cli import main
from streams.replay import bootstrap
from streams.replay.files import EventLog
from streams.runtime.producer import PartitionProducer

LEFT, EVERY = int(sys.argv.pop(1)), 700


def arm() -> None:
    """Let a piece be the last: its models come after its states, and before the commit."""
    append, pieces = PartitionProducer._append, []

    async def appended(self: Any, topic: str, *rest: Any) -> None:
        await append(self, topic, *rest)
        if topic == os.environ["WINBACK_TOPIC_MODELS"]:
            pieces.append(topic)
            if len(pieces) == LEFT:
                os.kill(os.getpid(), signal.SIGKILL)

    PartitionProducer._append = appended  # type: ignore[method-assign]
    bootstrap.KEEP_EVERY = EVERY  # type: ignore[misc]
    EventLog.__init__.__kwdefaults__["block_rows"] = EVERY // 2


if __name__ == "__main__":
    arm()
    main()
