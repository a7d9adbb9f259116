"""What is on record of the broker of a data directory."""

from pathlib import Path
from typing import Final

import msgspec

from streams.errors import UserError
from streams.runtime.embedded.config import HOST
from streams.runtime.embedded.jars import KAFKA_VERSION
from streams.runtime.embedded.process import Identity, is_alive

RECORD_NAME: Final = "kafka.json"


class Record(msgspec.Struct, frozen=True):
    """What ``kafka.json`` says of the broker that was started last."""

    pid: int
    started: str
    port: int
    controller_port: int
    kafka: str = KAFKA_VERSION
    java: str = ""

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"{HOST}:{self.port}"

    @property
    def identity(self) -> Identity:
        """The process, told apart from a later one with its pid."""
        return Identity(self.pid, self.started)


def running(directory: Path) -> Record | None:
    """Return the record of the broker that runs on a directory, or None."""
    record = last_record(directory)
    return record if record is not None and is_alive(record.identity) else None


def last_record(directory: Path) -> Record | None:
    """Return what is on record of the last broker, alive or not.

    Raises:
        UserError: The directory cannot be read.
    """
    try:
        return msgspec.json.decode((directory / RECORD_NAME).read_bytes(), type=Record)
    except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        return None
    except OSError as error:
        raise unusable(directory, error) from error


def remember(directory: Path, record: Record) -> None:
    """Put a broker on record."""
    write_whole(directory / RECORD_NAME, msgspec.json.encode(record))


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file at once, so that nobody reads half of it."""
    draft = path.with_name(path.name + ".new")
    draft.write_bytes(content)
    draft.replace(path)


def unusable(directory: Path, error: OSError) -> UserError:
    """Return the complaint that the system does not let us use the directory."""
    reason = "it is a file" if isinstance(error, FileExistsError) else error.strerror or error
    return UserError(
        f"the data directory of the embedded Kafka cannot be used: {directory}: {reason}",
        "choose another with --data-dir or WINBACK_DATA_DIR",
    )
