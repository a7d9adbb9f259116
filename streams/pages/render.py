"""Turning a template into one HTML file: no network, no script to be read, no other file."""

from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any, Final

STYLE: Final = "style.css"


def rendered(
    package: str,
    template: str,
    filters: Mapping[str, Callable[..., str]],
    pictures: Mapping[str, str],
    **facts: Any,
) -> str:
    """Return a page; jinja2 is an extra, so it is imported here.

    Args:
        package: Where the template lies.
        template: Its name; ``{{ style }}`` is the style that all pages share.
        filters: Names that the template may use after a ``|``.
        pictures: Name to SVG, ``charts`` in the template; not escaped again.
        facts: Everything else that the template speaks of; escaped.
    """
    import jinja2  # noqa: PLC0415 (an extra)
    from markupsafe import Markup  # noqa: PLC0415 (comes with jinja2)

    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= filters
    source = resources.files(package).joinpath(template).read_text(encoding="utf-8")
    style = resources.files(__package__).joinpath(STYLE).read_text(encoding="utf-8")
    drawn = {name: Markup(picture) for name, picture in pictures.items()}  # noqa: S704 (ours, and escaped)
    return environment.from_string(source).render(
        charts=drawn,
        style=Markup(style),  # noqa: S704 (ours)
        **facts,
    )
