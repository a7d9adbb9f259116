"""Numbers as people say them; terminal and page share them."""

from datetime import UTC, datetime

from streams.replay.report.estimates import Estimate


def of_100(share: float) -> str:
    """Return a share as people say it: ``45 of 100``, ``3 of 1,000``."""
    for scale in (100, 1_000, 10_000):
        if share == 0.0 or share * scale >= 1.0:
            return f"{share * scale:.0f} of {scale:,}"
    return "fewer than 1 of 10,000"


def percent(share: float | None) -> str:
    """Return a share in per cent; a dash for what is not known."""
    if share is None:
        return "–"
    return f"{share:.1%}" if 0.0 < share < 0.0995 else f"{share:.0%}"  # noqa: PLR2004 (two digits)


def number(value: float) -> str:
    """Return a count with as many digits as mean something."""
    if value >= 10 or value == int(value):  # noqa: PLR2004 (two digits)
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def customers(count: int) -> str:
    """Return ``1 customer``, ``2,303 customers``."""
    return "1 customer" if count == 1 else f"{count:,} customers"


def days(count: float) -> str:
    """Return ``1 day``, ``7.5 days``, ``23 days``."""
    rounded = round(count, 1) if abs(count) < 10 else round(count)  # noqa: PLR2004 (two digits)
    return "1 day" if rounded == 1 else f"{rounded:g} days"


def date(at_ms: float) -> str:
    """Return the day of an instant: ``1 Jan 2017``."""
    moment = datetime.fromtimestamp(at_ms / 1_000, UTC)
    return f"{moment.day} {moment:%b %Y}"


def interval(found: Estimate | None, digits: int = 3) -> str:
    """Return ``.859 (.851 – .868)``; a dash for what is not known."""
    if found is None:
        return "–"
    return f"{found.value:.{digits}f} ({found.low:.{digits}f} – {found.high:.{digits}f})"
