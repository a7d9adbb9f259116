"""``winback sender``: the kit's commands, with the embedded Kafka at hand."""

import os

from winback_sender.cli import group_of


def _find_kafka(_bootstrap: str, may_start: bool) -> str:  # noqa: FBT001 (the signature is FindKafka's)
    from streams.runtime.bootstrap import resolve_bootstrap  # noqa: PLC0415 (quick --help)
    from streams.settings import load_settings  # noqa: PLC0415

    return resolve_bootstrap(load_settings(os.environ), os.environ, is_local=may_start)


sender = group_of(_find_kafka, has_embedded=True)
