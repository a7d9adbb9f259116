"""Keys that everybody has are not good enough to contact people with."""

from typing import TYPE_CHECKING

from streams.errors import UserError
from streams.settings import Settings

if TYPE_CHECKING:
    from winback_sender.cluster import Cluster


def demand_own_keys(settings: Settings, cluster: "Cluster") -> None:
    """Refuse to let touches leave with the development key, but on this machine's own Kafka.

    Raises:
        UserError: Anybody could sign a model, or tell whose an id is.
    """
    if settings.has_development_key and not cluster.is_here:
        raise UserError(
            "WINBACK_ID_KEY or WINBACK_MODEL_KEY is the development key, which everybody has: not "
            f"good enough for mode live on {cluster}",
            "make secrets (winback keys new) and set both; docs/keys.md says how they are changed",
        )
