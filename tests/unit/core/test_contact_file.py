"""What rules say of contact and channels, and what they may not say."""

from datetime import date, time

import pytest

from streams.core.channels import CATALOGUE, Cap
from streams.core.contact_file import NAME_MAX
from streams.core.quiet_hours import Closed, QuietHours
from streams.core.rules_file import parse_rules
from streams.core.time import DAY_MS
from winback_sender.contract.messages import CHANNEL_MAX
from winback_sender.documents.faults import RulesRefused

NIGHT = QuietHours(time(21), time(9))
EVENING = QuietHours(time(20), time(8))


def test_silence_means_the_usual_of_every_channel() -> None:
    contact = parse_rules("").contact
    assert set(contact.channels) == set(CATALOGUE)
    sms, wechat, call = (contact.channel(name) for name in ("sms", "wechat", "call"))
    assert sms.closed == Closed((), (NIGHT,), (EVENING,))
    assert (sms.kind, sms.cost_minor, sms.failures_max) == ("message", 5.0, 2)
    assert wechat.is_recorded
    assert wechat.closed == Closed((), (NIGHT,))
    assert call.kind == "person"
    assert contact.channel("pager").closed == Closed((), (NIGHT,))
    assert contact.is_opt_out_of_all
    assert NAME_MAX == CHANNEL_MAX


def test_rules_may_say_otherwise_and_add_channels_of_their_own() -> None:
    contact = parse_rules("""
contact:
  opt_out: channel
  uplift: {least: 0.01, errors: 0, explore: 0.1}
  quiet_hours: [{start: "22:00", end: "07:00"}, {start: "12:00", end: "14:00"}]
  holidays: {dates: [2027-02-06, "2027-02-07", 2027-02-06], channels: [sms]}
channels:
  sms: {cost: 0.045, hours: {start: "10:00", end: "20:00"}, caps: [{touches: 1, per: 7d}]}
  wechat: {reach: any, hours: always, failures_max: 5}
  pager: {class: person, cost: 1}
""").contact
    night, noon = QuietHours(time(22), time(7)), QuietHours(time(12), time(14))
    spring = (date(2027, 2, 6), date(2027, 2, 7))
    sms, wechat, pager = (contact.channel(name) for name in ("sms", "wechat", "pager"))

    assert contact.quiet == night
    assert (contact.is_opt_out_of_all, contact.uplift_min, contact.uplift_errors) == (
        False, 0.01, 0.0,
    )  # fmt: skip
    assert sms.closed == Closed(spring, (night, noon), (QuietHours(time(20), time(10)),))
    assert (sms.cost_minor, sms.caps) == (4.5, (Cap(1, 7 * DAY_MS),))
    assert wechat.closed == Closed((), (night, noon))
    assert (wechat.is_recorded, wechat.failures_max) == (False, 5)
    assert (pager.kind, pager.cost_minor) == ("person", 100.0)


def test_no_quiet_hours_is_an_hour_that_ends_where_it_begins() -> None:
    contact = parse_rules('contact: {quiet_hours: {start: "00:00", end: "00:00"}}').contact
    assert contact.channel("push").closed == Closed()
    assert parse_rules("contact: {quiet_hours: []}").contact.channel("push").closed == Closed()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('contact:\n  quiet_hours: {start: "08:00", end: "20:00"}', ":2:"),
        ('contact: {}\nchannels:\n  push: {hours: {start: "21:00", end: "23:00"}}', "push never"),
        ('contact:\n  quiet_hours:\n  - {start: "25:00", end: "09:00"}', ":3:"),
        ("contact: {opt_out: some}", "some"),
        ("contact:\n  holidays:\n    dates: [soon]", "soon is no day"),
        ("contact:\n  holidays:\n    dates: [2027-02-30x]", "is no day"),
        ("contact:\n  holidays:\n    channels: [smss]", "'smss' is no channel"),
        ("contact:\n  caps:\n  - {touches: 0, per: 7d}", ":3:"),
        ("channels:\n  pager: {cost: 1}", "say its class, message or person"),
        ("channels:\n  pager: {class: robot}", "robot"),
        ("channels:\n  sms: {cost: -1}", ":2:"),
        ("channels:\n  sms: {failures_max: 0}", ":2:"),
        ("channels:\n  sms: {hours: sometimes}", ":2:"),
        ('channels:\n  sms: {hours: {start: "8", end: "26:00"}}', ":2:"),
        ("channels:\n  sms:\n    caps:\n    - {touches: 1, per: 90d}", ":4:"),
        ("channels:\n  sms: {speed: 1}", "speed"),
        (f"channels:\n  {'y' * 33}: {{class: message}}", "1 to 32 characters"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(text: str, complaint: str) -> None:
    with pytest.raises(RulesRefused) as refused:
        parse_rules(text, "r.yaml")
    assert complaint in str(refused.value)
