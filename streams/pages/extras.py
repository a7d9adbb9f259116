"""What a report needs beyond the service: asked for before a long run, not after it."""

from importlib.util import find_spec

from streams.errors import UserError


def needed(option: str, *modules: str) -> None:
    """Check that an option's libraries are there.

    Raises:
        UserError: One is not; says what to install.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise UserError(
            f"{option} needs {' and '.join(missing)}, which is not installed",
            "pip install 'winback[report]'",
        )
