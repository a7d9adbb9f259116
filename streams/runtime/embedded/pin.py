"""Write ``jars.lock``: resolve Kafka and its log binding, fetch every jar, hash it.

For those who raise the version: ``python -m streams.runtime.embedded.pin > jars.lock.new``.
"""

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import jgo

from streams.runtime.embedded.jars import KAFKA_VERSION, maven_context

COORDINATES: Final = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    # The mark "!": without it the parent of log4j decides the version of kafka-clients.
    "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3!",
)


def lock_lines() -> Iterator[str]:
    """Yield the lines of the lock file; fetches some 45 MB."""
    yield "# group:artifact:version sha256, in the order of the class path. Written by pin.py."
    with tempfile.TemporaryDirectory() as directory:
        context = maven_context(Path(directory))
        for found in jgo.resolve("+".join(COORDINATES)):
            component = context.project(found.groupId, found.artifactId).at_version(found.version)
            sha256 = hashlib.sha256(component.artifact().resolve().read_bytes()).hexdigest()
            yield f"{found.groupId}:{found.artifactId}:{found.version} {sha256}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in lock_lines())
