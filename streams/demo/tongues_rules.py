"""The rules that read each tongue back: the section ``inputs`` of a rules file."""

from collections.abc import Callable
from typing import Final

TRAITS: Final = ("zone", "acquisition_source", "member_name")
COLUMNS: Final = ("channel", "granted", *TRAITS, "anonymous_id")
"""Properties of a native event that the tongues of tables and of ours know."""


def _traits(at: str) -> str:
    return "{" + ", ".join(f"{name}: {at}.{name}" for name in TRAITS) + "}"


def _events(at: str, amount: str, name_of: Callable[[str], str]) -> str:
    """Return the rules of what users do and say, whose properties stand at a path.

    Args:
        at: The path, as in ``$.properties``.
        amount: Where money stands.
        name_of: How an event is called.
    """
    money = f"amount: {amount}, currency: {at}.currency"
    what = (
        ("Product Viewed", f"as: activity, name: visit, {money}"),
        ("Order Completed", f"as: purchase, name: purchase, {money}"),
        ("Order Refunded", f"as: refund, name: refund, {money}"),
        ("Complaint Filed", f"as: complaint, name: complaint, {money}"),
        ("Order Cancelled", f"as: cancellation, name: cancellation, {money}"),
        ("Consent Updated", f"as: consent, channel: {at}.channel, granted: {at}.granted"),
        ("Unsubscribed", f"as: opt_out, name: opt_out, channel: {at}.channel"),
        ("Account Deletion Requested", "as: erasure"),
    )
    return "".join(f"      - {{event: {name_of(name)}, {told}}}\n" for name, told in what)


def _joined(name: str) -> str:
    return name.replace(" ", "")


def _cloud(name: str) -> str:
    return f"com.example.{_joined(name)}"


SEGMENT: Final = f"""\
inputs:
  app.segment:
    format: segment
    keyed_by: user
    map:
{_events("$.properties", "$.properties.total", str)}\
      - {{event: identify, as: traits, traits: {_traits("$.traits")}}}
"""
SENSORS: Final = f"""\
inputs:
  app.sensors:
    format: sensors
    keyed_by: user
    id: $.properties.event_id
    map:
{_events("$.properties", "$.properties.amount", _joined)}\
      - {{event: profile_set, as: traits, traits: {_traits("$.properties")}}}
"""
CLOUDEVENTS: Final = f"""\
inputs:
  app.cloudevents:
    format: cloudevents
    keyed_by: user
    id: $.id
    user: $.data.user_id
    map:
{_events("$.data", "$.data.amount", _cloud)}\
      - {{event: com.example.ProfileUpdated, as: traits, traits: {_traits("$.data")}}}
      - {{event: com.example.LoggedIn, as: link, anonymous: $.data.anonymous_id}}
"""
JSON: Final = {
    encoding: f"""\
inputs:
  app.events:
    format: json
    encoding: {encoding}
    keyed_by: user
    user: $.uid
    id: $.id
    event: $.what
    time: {{path: $.at, unit: {"iso" if encoding == "avro" else "ms"}}}
    map:
{_events("$", "$.amount", str)}\
      - {{event: Profile Updated, as: traits, traits: {_traits("$")}}}
      - {{event: Logged In, as: link, anonymous: $.anonymous_id}}
"""
    for encoding in ("json", "avro", "protobuf")
}


def _tables(amount: str, granted: str) -> str:
    """Return the rules of the tables of a database, each of which is only added to."""
    money = f"amount: {amount}, currency: $.after.currency"
    what = (
        ("visits", f"as: activity, name: visit, {money}"),
        ("orders", f"as: purchase, name: purchase, {money}"),
        ("refunds", f"as: refund, name: refund, {money}"),
        ("complaints", f"as: complaint, name: complaint, {money}"),
        ("cancellations", f"as: cancellation, name: cancellation, {money}"),
        ("consents", f"as: consent, channel: $.after.channel, granted: {granted}"),
        ("opt_outs", "as: opt_out, name: opt_out, channel: $.after.channel"),
        ("erasures", "as: erasure"),
        ("customers", f"as: traits, traits: {_traits('$.after')}"),
        ("logins", "as: link, anonymous: $.after.anonymous_id"),
    )
    rows = "".join(f"      - {{event: [{t}.create, {t}.read], {told}}}\n" for t, told in what)
    return f"""\
    user: $.after.customer_id
    id: $.after.id
    map:
{rows}"""


DEBEZIUM: Final = {
    "mysql": f"""\
inputs:
  shop.orders:
    format: debezium
    keyed_by: anything
    time: {{path: $.after.at, unit: us}}
{_tables("{path: $.after.amount, scale: 2}", "$.after.granted")}""",
    "postgres": f"""\
inputs:
  shop.orders:
    format: debezium
    keyed_by: anything
    time: $.after.at
{_tables("$.after.amount", "$.after.granted")}""",
}
CANAL: Final = f"""\
inputs:
  shop.canal:
    format: canal
    keyed_by: anything
    time: {{path: $.after.at, zone: UTC}}
{_tables("$.after.amount", "{path: $.after.granted, table: {'1': true, '0': false}}")}"""
