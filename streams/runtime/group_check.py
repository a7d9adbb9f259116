"""May we join our group? The client itself would wait for ever, and say nothing."""

from winback_sender.cluster import Cluster
from winback_sender.doorstep import admin_client


def demand_group(cluster: Cluster, group: str) -> None:
    """Check that Kafka lets our user see a consumer group.

    Raises:
        Unavailable: Kafka cannot be reached.
        UserError: It does not.
    """
    from streams.runtime.doctor import described_groups  # noqa: PLC0415 (the other client)

    with admin_client(cluster) as client:
        described_groups(client, [group])
