"""How a bug is planted: something of the product is another while a world runs."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib import import_module
from unittest.mock import patch

Bug = Callable[[], AbstractContextManager[object]]


def of(owner: object, name: str, new: object) -> Bug:
    """Plant one thing; ``owner`` may be a module's name."""
    if isinstance(owner, str):
        owner = import_module(owner)
    return lambda: patch.object(owner, name, new)


def both(*bugs: Bug) -> Bug:
    """Plant several at once."""

    @contextmanager
    def planted() -> Iterator[None]:
        with ExitStack() as stack:
            for bug in bugs:
                stack.enter_context(bug())
            yield

    return planted
