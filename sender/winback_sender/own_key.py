"""A key that everybody has is not good enough to contact people with."""

from winback_sender.cluster import Cluster
from winback_sender.errors import UserError
from winback_sender.keys import DEVELOPMENT_KEY
from winback_sender.settings import Settings


def demand_own_key(settings: Settings, cluster: Cluster) -> None:
    """Refuse to send with the development key, but from this machine's own Kafka.

    Raises:
        UserError: Anybody could tell whose an id is, and unsubscribe people.
    """
    if settings.id_key == DEVELOPMENT_KEY and not cluster.is_here:
        raise UserError(
            "WINBACK_ID_KEY is the development key, which everybody has: not good enough to send "
            f"touches of {cluster}",
            "set the WINBACK_ID_KEY of the workers",
        )
