"""Numbers with their noun, as a person reads them."""


def counted(number: int, noun: str) -> str:
    """Return ``1 row``, ``2 rows``, ``12,000 rows``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
