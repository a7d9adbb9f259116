"""The examples of Segment's specification."""

from typing import Final

from tests.unit.intake.spec import Example

SPEC: Final = "https://segment.com/docs/connections/spec"
API: Final = "https://segment.com/docs/connections/sources/catalog/libraries/server/http-api"
COMMON: Final = (
    '"anonymousId": "507f19", "channel": "browser", "context": {"ip": "192.0.2.8"},'
    '"integrations": {"All": true}, "messageId": "022bb9",'
    '"receivedAt": "2015-02-23T22:28:55.387Z", "sentAt": "2015-02-23T22:28:55.111Z",'
    '"timestamp": "2015-02-23T22:28:55.111Z", "userId": "97980c", "version": "1.1"'
)
BOTH: Final = "user `97980c` and anonymous `507f19` at 2015-02-23T22:28:55.111Z, id `022bb9"
NO_TYPE: Final = "refused, bad_envelope: None is no call of the specification - at `$.type`"
NEITHER: Final = "of nobody, no time, no id"

EXAMPLES: Final = (
    Example(
        "Common fields: structure",
        f"{SPEC}/common/",
        '{"anonymousId": "507f19", "context": {"app": {"version": "545"}}, "messageId": "022bb9",'
        '"receivedAt": "2015-12-10T04:08:31.909Z", "sentAt": "2015-12-10T04:08:31.581Z",'
        '"timestamp": "2015-12-10T04:08:31.905Z", "type": "track", "userId": "97980c",'
        '"version": 2}',
        "refused, bad_envelope: a track call needs the name of its event - at `$.event`",
    ),
    Example(
        "Identify: typical payload",
        f"{SPEC}/identify/",
        '{"type": "identify", "traits": {"plan": "gold", "logins": 5}, "userId": "97980c"}',
        "`identify` of user `97980c`, no time, no id",
    ),
    Example(
        "Identify: complete",
        f"{SPEC}/identify/#example",
        f'{{"type": "identify", "traits": {{"plan": "gold"}}, {COMMON}}}',
        f"`identify` of {BOTH}`; `$identify` of {BOTH}:link`",
    ),
    Example(
        "Identify: anonymous",
        f"{SPEC}/identify/#anonymous-id",
        '{"type": "identify", "traits": {"subscriptionStatus": "off"}, "anonymousId": "507f19",'
        '"messageId": "022bb9", "timestamp": "2015-02-23T22:28:55.111Z"}',
        "`identify` of anonymous `507f19` at 2015-02-23T22:28:55.111Z, id `022bb9`",
    ),
    Example(
        "Track: typical payload",
        f"{SPEC}/track/",
        '{"type": "track", "event": "Registered", "properties": {"plan": "Annual"}}',
        f"`Registered` {NEITHER}",
    ),
    Example(
        "Track: complete",
        f"{SPEC}/track/#example",
        '{"anonymousId": "23adfd", "context": {"page": {"path": "/"}}, "event": "Course Clicked",'
        '"integrations": {}, "messageId": "ajs-f8ca", "properties": {"title": "Intro"},'
        '"receivedAt": "2015-12-12T19:11:01.266Z", "sentAt": "2015-12-12T19:11:01.169Z",'
        '"timestamp": "2015-12-12T19:11:01.249Z", "type": "track", "userId": "AiUGst",'
        '"originalTimestamp": "2015-12-12T19:11:01.152Z"}',
        "`Course Clicked` of user `AiUGst` and anonymous `23adfd` at 2015-12-12T19:11:01.249Z,"
        " id `ajs-f8ca`",
    ),
    Example(
        "Page: typical payload",
        f"{SPEC}/page/",
        '{"type": "page", "name": "Home", "properties": {"url": "https://example.com"}}',
        f"`page` {NEITHER}",
    ),
    Example(
        "Page: complete",
        f"{SPEC}/page/#example",
        f'{{"type": "page", "name": "Home", "properties": {{"title": "Hi"}}, {COMMON}}}',
        f"`page` of {BOTH}`",
    ),
    Example(
        "Screen: typical payload",
        f"{SPEC}/screen/",
        '{"type": "screen", "name": "Home", "properties": {"Feed Type": "private"}}',
        f"`screen` {NEITHER}",
    ),
    Example(
        "Screen: complete",
        f"{SPEC}/screen/#example",
        f'{{"type": "screen", "name": "Home", "properties": {{"variation": "b"}}, {COMMON}}}',
        f"`screen` of {BOTH}`",
    ),
    Example(
        "Group: typical payload",
        f"{SPEC}/group/",
        '{"type": "group", "groupId": "0e8c78", "traits": {"employees": 329}}',
        f"`group` {NEITHER}",
    ),
    Example(
        "Group: complete",
        f"{SPEC}/group/#example",
        f'{{"type": "group", "groupId": "0e8c78", "traits": {{"employees": 329}}, {COMMON}}}',
        f"`group` of {BOTH}`",
    ),
    Example(
        "Alias: basic payload",
        f"{SPEC}/alias/#syntax",
        '{"type": "alias", "previousId": "jen@example.com", "userId": "507f1e"}',
        "`$identify` of user `507f1e` and anonymous `jen@example.com`, no time, no id",
    ),
    Example(
        "Alias: complete",
        f"{SPEC}/alias/#examples",
        f'{{"type": "alias", "previousId": "39239-239", {COMMON}}}',
        "`$identify` of user `97980c` and anonymous `39239-239` at 2015-02-23T22:28:55.111Z,"
        " id `022bb9`",
    ),
    Example(
        "Alias: without previousId",
        f"{SPEC}/alias/#syntax",
        f'{{"type": "alias", {COMMON}}}',
        f"`$identify` of {BOTH}`",
    ),
    Example(
        "HTTP API: track, to the address of its kind",
        f"{API}/#track",
        '{"userId": "019mr8", "event": "Item Purchased", "properties": {"revenue": 14.99},'
        '"timestamp": "2012-12-02T00:30:12.984Z", "writeKey": "key"}',
        NO_TYPE,
    ),
    Example(
        "HTTP API: identify, to the address of its kind",
        f"{API}/#identify",
        '{"userId": "019mr8", "traits": {"industry": "Law"},'
        '"timestamp": "2012-12-02T00:30:08.276Z", "writeKey": "key"}',
        NO_TYPE,
    ),
    Example(
        "HTTP API: track with its type",
        f"{API}/#oauth",
        '{"event": "happy-path", "email": "test@example.org", "messageId": "58524f",'
        '"userId": "123", "type": "track", "writeKey": "key"}',
        "`happy-path` of user `123`, no time, id `58524f`",
    ),
    Example(
        "HTTP API: batch, the calls of 2012",
        f"{API}/#batch",
        '{"batch": [{"type": "identify", "userId": "019mr8", "traits": {"age": 26},'
        '"timestamp": "2012-12-02T00:30:08.276Z"}, {"type": "track", "userId": "019mr8",'
        '"event": "Song Played", "timestamp": "2012-12-02T00:30:12.984Z"}], "writeKey": "key",'
        '"context": {"device": {"type": "phone"}}}',
        "`identify` of user `019mr8` at 2012-12-02T00:30:08.276Z, no id; "
        "`Song Played` of user `019mr8` at 2012-12-02T00:30:12.984Z, no id",
    ),
    Example(
        "HTTP API: batch, a call of 2015, whose month has one digit",
        f"{API}/#batch",
        '{"batch": [{"type": "track", "userId": "971mj8", "event": "Song Played",'
        '"timestamp": "2015-2-02T00:30:12.984Z"}], "writeKey": "key"}',
        "refused, bad_time: Invalid RFC3339 encoded datetime - at `$.batch[0].timestamp`",
    ),
    Example(
        "Ecommerce: Order Completed",
        f"{SPEC}/ecommerce/v2/#order-completed",
        '{"userId": "019mr8", "type": "track", "event": "Order Completed", "messageId": "m7",'
        '"timestamp": "2012-12-02T00:30:12.984Z", "properties": {"order_id": "50314b",'
        '"total": 27.50, "revenue": 25.00, "currency": "USD", "products": [{"quantity": 1}]}}',
        "`Order Completed` of user `019mr8` at 2012-12-02T00:30:12.984Z, id `m7`",
    ),
    Example(
        "Timestamps: no timestamp, so receivedAt - (sentAt - originalTimestamp)",
        f"{SPEC}/common/#timestamps",
        '{"type": "track", "event": "Read", "userId": "u", "messageId": "m8",'
        '"originalTimestamp": "2015-12-12T19:10:00Z", "sentAt": "2015-12-12T19:10:30Z",'
        '"receivedAt": "2015-12-12T19:11:00Z"}',
        "`Read` of user `u` at 2015-12-12T19:10:30Z, id `m8`",
    ),
    Example(
        "Timestamps: it just happened, so the server's time",
        f"{SPEC}/common/#timestamp",
        '{"type": "track", "event": "Read", "userId": "u", "messageId": "m9",'
        '"receivedAt": "2015-12-12T19:11:00Z"}',
        "`Read` of user `u` at 2015-12-12T19:11:00Z, id `m9`",
    ),
)
