"""What is wrong with a value, in words that always say where."""

from streams.intake.fact import UnreadableError


def unreadable(error: Exception) -> UnreadableError:
    """Return what is wrong; an error of the whole value has the path of the whole."""
    text = "nested too deep" if isinstance(error, RecursionError) else str(error)
    return UnreadableError(text if "`$" in text else f"{text} - at `$`")


def not_written_with(schema_id: int, error: Exception) -> UnreadableError:
    """Return that the bytes of a value do not fit the schema that it names."""
    what = "nested too deep" if isinstance(error, RecursionError) else str(error)
    return UnreadableError(f"it is not written with schema {schema_id}: {what} - at `$`")
