"""A Kafka of one's own for tests and benchmarks: ``with EmbeddedKafka() as kafka: ...``."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.runtime.embedded import broker
from streams.runtime.embedded.broker import Options
from streams.runtime.embedded.config import HEAP_DEFAULT, Jit, Properties
from streams.runtime.embedded.process import is_alive, send
from streams.runtime.embedded.record import Record


class EmbeddedKafka:
    """A broker with a directory of its own, on free ports that stay the same over restarts.

    Attributes:
        directory: Data and log of the broker; a temporary one is removed at the end.

    ``more`` gives properties that differ from those of the embedded broker, by its ports.
    """

    def __init__(
        self, directory: Path | None = None, *, port: int = 0, heap: str = HEAP_DEFAULT,
        jit: Jit = "c1", more: Properties | None = None,
    ) -> None:  # fmt: skip
        self._is_temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="winback-kafka-"))
        self._options = Options(port, heap, jit, more)
        self._record: Record | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the broker."""
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:  # fmt: skip
        """Stop the broker and remove a temporary directory."""
        self.close()

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return self._started.bootstrap

    @property
    def pid(self) -> int:
        """The process of the last start."""
        return self._started.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended, whoever ended it."""
        return self._record is not None and is_alive(self._record.identity)

    @property
    def _started(self) -> Record:
        assert self._record is not None, "start() comes first"
        return self._record

    def start(self) -> None:
        """Start the broker and wait until it answers; data and port are those of before."""
        started = broker.start(self.directory, self._options, os.environ)
        self._record, self._process = started
        self._options = self._options._replace(port=started.record.port)

    def stop(self) -> None:
        """Stop the broker as an operator would."""
        broker.stop(self.directory)
        self._reap()

    def kill(self) -> None:
        """Kill the broker with -9."""
        send(self._started.identity, signal.SIGKILL)
        self._reap()

    def pause(self) -> None:
        """Freeze the broker (SIGSTOP) until ``resume``."""
        send(self._started.identity, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen broker go on (SIGCONT)."""
        send(self._started.identity, signal.SIGCONT)

    def restart(self) -> None:
        """Stop and start again, on the same port and data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End the broker at once if its directory goes with it, else stop it in order."""
        if self._is_temporary:
            if self._record is not None:
                self.kill()
            shutil.rmtree(self.directory, ignore_errors=True)
        else:
            self.stop()

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait()
            self._process = None
