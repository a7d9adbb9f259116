"""Rules of providers and countries: each says one thing, where it is written, how sure it is."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

OURS: Final = "winback"
"""Whose the rules are that we keep whoever carries a message."""

CARRIES: Final[dict[str, str]] = {
    "aliyun": "sms",
    "tencent": "sms",
    "huawei": "sms",
    "qiniu": "sms",
    "baidu": "sms",
    "wechat_template": "wechat",
    "wechat_subscribe": "wechat",
    "wechat_customer_service": "wechat",
    "wecom": "wecom",
}
"""Provider with rules of its own to the channel that it carries."""

FREE: Final = ("console", "webhook", "call_list", "email", "postbox")
"""Carriers without published rules: what a country says holds, and what an operator adds."""


class Source(NamedTuple):
    """Where a rule is written.

    Attributes:
        url: The page, or the name of a law.
        published: Day or month of its version, empty = the page does not say.
        read: When it was read.
    """

    url: str
    published: str
    read: str


class Change(NamedTuple):
    """An operator's word on a rule.

    Attributes:
        reason: Why.
        by: Who.
        since: From which day on, YYYY-MM-DD.
        place: File and line.
        was: What was said before; None = nothing.
    """

    reason: str
    by: str
    since: str
    place: str
    was: Any = None


class Rule(msgspec.Struct, frozen=True):
    """One rule.

    Attributes:
        of: Provider, country (``CN``) or ``winback``.
        kind: What it is about, of `kinds.KINDS`.
        value: What it says.
        source: Where it is written.
        verified: Whether the source says just that; else whoever breaks it is warned, not refused.
        note: For people.
        change: What an operator changed.
    """

    of: str
    kind: str
    value: Any
    source: Source
    verified: bool = True
    note: str = ""
    change: Change | None = None

    @property
    def id(self) -> str:
        """Name of the rule: ``tencent.text_max``."""
        return f"{self.of}.{self.kind}"


class Country(NamedTuple):
    """A country whose law is here.

    Attributes:
        name: In English.
        zones: Its time zones; one that ends with a slash stands for all below it.
    """

    name: str
    zones: tuple[str, ...]


COUNTRIES: Final[dict[str, Country]] = {
    "CN": Country(
        "China",
        (
            "Asia/Shanghai", "Asia/Urumqi", "Asia/Chongqing", "Asia/Chungking", "Asia/Harbin",
            "Asia/Kashgar", "PRC",
        ),
    ),
    "US": Country(
        "United States",
        (
            "America/New_York", "America/Detroit", "America/Chicago", "America/Denver",
            "America/Boise", "America/Phoenix", "America/Los_Angeles", "America/Anchorage",
            "America/Juneau", "America/Sitka", "America/Nome", "America/Adak",
            "America/Yakutat", "America/Metlakatla", "America/Menominee", "America/Indiana/",
            "America/Kentucky/", "America/North_Dakota/", "Pacific/Honolulu", "US/",
        ),
    ),
}  # fmt: skip
"""ISO 3166 code to country."""


def country_of(zone: str) -> str:
    """Return the country of a time zone, or nothing when its law is not here."""
    for code, country in COUNTRIES.items():
        if any(zone == one or (one[-1] == "/" and zone.startswith(one)) for one in country.zones):
            return code
    return ""


class Law:
    """All rules in force.

    Attributes:
        rules: Id to rule.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in rules})

    def rule(self, of: str, kind: str) -> Rule | None:
        """Return a rule, or None where there is none."""
        return self.rules.get(f"{of}.{kind}")

    def value(self, of: str, kind: str, default: Any = None) -> Any:
        """Return what a rule says, or the default where there is none."""
        rule = self.rules.get(f"{of}.{kind}")
        return default if rule is None else rule.value

    def of(self, names: Iterable[str]) -> tuple[Rule, ...]:
        """Return the rules of some providers and countries, in their order."""
        wanted = set(names)
        return tuple(rule for rule in self.rules.values() if rule.of in wanted)

    @property
    def names(self) -> tuple[str, ...]:
        """Everybody who may have rules."""
        return (OURS, *COUNTRIES, *CARRIES, *FREE)
