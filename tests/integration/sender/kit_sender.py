"""A sender as its developers write them: it notes every call in a file, and takes its time."""

import os
import resource
import time
from pathlib import Path

from winback_sender.kit import Receipt, Status, TouchRequested, serve

CALLS = os.open(Path(os.environ["CALLS"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
PAUSE_S = float(os.environ.get("PAUSE_S", "0.02"))

if "FILE_BYTES_MAX" in os.environ:  # stands for a full disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ["FILE_BYTES_MAX"]),) * 2)


def deliver(touch: TouchRequested) -> Receipt:
    os.write(CALLS, f"{touch.touch_id}\n".encode())
    time.sleep(PAUSE_S)
    return Receipt(Status.ACCEPTED, ref=f"ref-{touch.touch_id}")


if __name__ == "__main__":
    serve(deliver, channel="sms")
