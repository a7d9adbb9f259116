"""``winback sender``: the kit's commands, with the embedded Kafka at hand."""

import os
from typing import TYPE_CHECKING

from winback_sender.cli import group_of

if TYPE_CHECKING:
    from winback_sender.cluster import Cluster
    from winback_sender.settings import Settings


def _find_kafka(_shared: "Settings", may_start: bool) -> "Cluster":  # noqa: FBT001 (as FindKafka)
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415 (quick --help)
    from streams.settings import load_settings  # noqa: PLC0415

    return resolve_cluster(load_settings(os.environ), os.environ, is_local=may_start)


sender = group_of(_find_kafka, has_embedded=True)
