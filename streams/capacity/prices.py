"""What things cost: a table with date and source, which everybody puts their own in place of."""

from typing import Final

import msgspec

HOURS_A_MONTH: Final = 730.0


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """List prices, US dollars, on demand, as `PRICE_SOURCES` says.

    Attributes:
        core_hour: Of a core with 4 GB beside it.
        disk_gb_month: Of a GB of block storage.
        zone_gb: Of a GB from one zone to another, both directions together.
        object_gb_month: Of a GB of object storage.
    """

    core_hour: float = 0.0408
    disk_gb_month: float = 0.08
    zone_gb: float = 0.02
    object_gb_month: float = 0.023


PRICE_SOURCES: Final[dict[str, tuple[str, str]]] = {
    "core_hour": (
        "AWS EC2 m7g.large, 2 vCPU and 8 GB at $0.0816/h, us-east-1, on demand, June 2026",
        "factualminds.com/blog/amazon-ec2-on-demand-pricing-instance-families-2026",
    ),
    "disk_gb_month": (
        "AWS EBS gp3 at $0.08/GB, us-east-1, 2026", "automq.com/kafka-cost-comparison",
    ),
    "zone_gb": (
        "AWS between zones, $0.01/GB each way, April 2026",
        "automq.com/blog/kafka-cross-az-hidden-cost",
    ),
    "object_gb_month": (
        "AWS S3 standard at $0.023/GB, us-east-1, 2026", "automq.com/kafka-cost-comparison",
    ),
}  # fmt: skip
"""Field of `Prices` to what it is the price of, with its date, and where it was read."""
