"""Where the demo plays: a Kafka, a directory and processes of its own, and none of them left."""

import contextlib
import shutil
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final, Self

from streams.demo.children import Children
from streams.demo.foreign import Foreign
from streams.errors import Exit, UserError
from streams.runtime.embedded import broker
from streams.runtime.embedded.broker import Options, Started
from streams.runtime.embedded.jars import Progress
from streams.runtime.embedded.launch import log_tail
from streams.runtime.topic_admin import apply_plan, plan_topics
from streams.settings import Settings, load_settings
from winback_sender.cluster import Cluster
from winback_sender.doorstep import admin_client
from winback_sender.settings_catalogue import PREFIX

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SESSION_TIMEOUT_S: Final = 3
"""Silence after which a worker counts as dead: short, so that the takeover can be watched."""
ROOM_MB: Final = 500
"""What Kafka, its changelog and the results of a year come to, and as much again."""


class Interrupts:
    """Ctrl-C, SIGTERM and SIGHUP: noted, and raised only where nothing can get lost."""

    def __init__(self) -> None:
        self._asked = False
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        self.may_raise = False

    def check(self) -> None:
        """Raise if the end was asked for.

        Raises:
            KeyboardInterrupt: It was.
        """
        if self._asked:
            raise KeyboardInterrupt

    def restore(self) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
        if self.may_raise:
            self.may_raise = False
            raise KeyboardInterrupt


class Stage:
    """Everything the demo starts; leaving it ends everything.

    Args:
        rules: Path of the rules; another may be set until Kafka starts.
        environ: The user's environment; its settings of winback do not count here.
        progress: Is shown the jars of Kafka as they come.

    Raises:
        UserError: There is no room for temporary files.

    Attributes:
        directory: Logs and results; it stays when the demo ran to its end.
        interrupts: To be checked wherever the demo waits.
    """

    def __init__(self, rules: Path, environ: Mapping[str, str], progress: Progress) -> None:
        if (free_mb := _free_mb()) < ROOM_MB:
            raise UserError(
                f"the demo needs {ROOM_MB} MB in {tempfile.gettempdir()}, where {free_mb} are free",
                "let it use another directory: TMPDIR=DIR winback demo",
                Exit.FAILED,
            )
        self.interrupts = Interrupts()
        self.directory = Path(tempfile.mkdtemp(prefix="winback-demo-"))
        self._environ = {
            name: value for name, value in environ.items() if not name.startswith(PREFIX)
        }
        self.rules = rules
        self._progress = progress
        self._kafka: Started | None = None
        self.children = Children(self.directory, self._environ)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End every process; only after a Ctrl-C nothing is worth keeping."""
        self.interrupts.may_raise = False
        self.children.close()
        kafka = self.directory / "kafka"
        broker.stop(kafka, timeout_s=0.0)  # its data goes, so it need not be closed in order
        if self._kafka is not None and self._kafka.process is not None:
            self._kafka.process.wait()
        is_worthless = kind is not None and issubclass(kind, KeyboardInterrupt)
        shutil.rmtree(self.directory if is_worthless else kafka, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.directory.rmdir()  # if nothing was started, nothing is in it
        self.interrupts.restore()

    def start_kafka(self, foreign: Foreign | None = None) -> Settings:
        """Start Kafka, make the topics, and return the settings of the deployment.

        Args:
            foreign: A topic of somebody else's that is read besides.

        Raises:
            Unavailable: No Java or no jars can be had.
            UserError: Kafka does not start.
        """
        self.interrupts.may_raise = True  # fetching jars may take long; the start cleans up
        kafka = broker.start(self.directory / "kafka", Options(), self._environ, self._progress)
        self.interrupts.may_raise = False
        self._kafka = kafka
        own = {
            f"{PREFIX}KAFKA_BOOTSTRAP": kafka.record.bootstrap,
            f"{PREFIX}RULES": str(self.rules),
            f"{PREFIX}CLOCK": "event",
            f"{PREFIX}SESSION_TIMEOUT_S": str(SESSION_TIMEOUT_S),
            f"{PREFIX}WEB_PORT": "0",
        }
        self.children = Children(self.directory, self._environ | own)
        settings = load_settings(own)
        with admin_client(Cluster.plain(kafka.record.bootstrap)) as client:
            if foreign is not None:
                foreign.make_topic(client, settings)
            sources = () if foreign is None else (foreign.source,)
            apply_plan(client, plan_topics(client, settings, sources), settings.replication)
        self.interrupts.check()
        return settings

    def demand_kafka(self) -> None:
        """Check that Kafka has not ended by itself.

        Raises:
            UserError: With the last lines of its log.
        """
        process = None if self._kafka is None else self._kafka.process
        if process is not None and process.poll() is not None:
            raise UserError(
                f"Kafka has ended; the end of its log:\n{log_tail(self.directory / 'kafka')}",
                f"{_free_mb()} MB are free in {self.directory.parent}",
                Exit.FAILED,
            )


def _free_mb() -> int:
    return shutil.disk_usage(tempfile.gettempdir()).free >> 20
