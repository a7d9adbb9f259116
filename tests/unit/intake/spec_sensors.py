"""The examples of the data format of Sensors Analytics."""

from typing import Final

from tests.unit.intake.spec import Example

LAYOUT: Final = "https://manual.sensorsdata.cn/sa/docs/tech_knowledge_layout"
OLDER: Final = (
    "https://manual.sensorsdata.cn/sa/2.1/zh_cn/%E6%95%B0%E6%8D%AE%E6%A0%BC%E5%BC%8F-1573775.html"
)
ENGLISH: Final = (
    "https://manual.sensorsdata.cn/sa/3.0/en/%E6%95%B0%E6%8D%AE%E6%A0%BC%E5%BC%8F-1573775.html"
)
WEB: Final = "https://manual.sensorsdata.cn/sa/docs/tech_sdk_client_web_idm3"
SERVER: Final = "https://manual.sensorsdata.cn/sa/latest/tech_sdk_server_go_idm3-111903602.html"
VIEWED: Final = '"type": "track", "event": "ViewProduct", "project": "ebiz_test"'
PROPERTIES: Final = '"properties": {"$app_version": "1.3", "$wifi": true, "product_price": 14.0}'
SET: Final = '"distinct_id": "123456", "time": 1435290195610, "project": "ebiz_test"'
DAY: Final = "2015-06-26T03:43:15.610Z"


def _profile(verb: str, properties: str) -> Example:
    return Example(
        f"profile_{verb}",
        LAYOUT,
        f'{{"type": "profile_{verb}", {SET}, "properties": {{"$is_login_id": true{properties}}}}}',
        f"`profile_{verb}` of user `123456` at {DAY}, id `digest`",
    )


EXAMPLES: Final = (
    Example(
        "track, nobody logged in",
        LAYOUT,
        f'{{"distinct_id": "0f485d", "anonymous_id": "0f485d", "time": 1434556935000, {VIEWED},'
        f'"time_free": true, "identities": {{"$identity_android_id": "0f485d"}}, {PROPERTIES}}}',
        "`ViewProduct` of anonymous `0f485d` at 2015-06-17T16:02:15Z, id `digest`",
    ),
    Example(
        "track, $is_login_id",
        OLDER,
        f'{{"distinct_id": "123456", "time": 1434556935000, {VIEWED}, "time_free": true,'
        '"properties": {"$is_login_id": true, "product_price": 14.0}}',
        "`ViewProduct` of user `123456` at 2015-06-17T16:02:15Z, id `digest`",
    ),
    Example(
        "track, logged in",
        ENGLISH,
        '{"distinct_id": "123456", "login_id": "123456", "anonymous_id": "0f485d",'
        f'"time": 1434556935000, {VIEWED}, "identities": {{"$identity_android_id": "0f485d",'
        f'"$identity_login_id": "123456"}}, {PROPERTIES}}}',
        "`ViewProduct` of user `123456` and anonymous `0f485d` at 2015-06-17T16:02:15Z,"
        " id `digest`",
    ),
    Example(
        "track, of the web SDK",
        WEB,
        '{"anonymous_id": "18e849", "distinct_id": "18e849", "lib": {"$lib": "js"},'
        '"identities": {"$identity_cookie_id": "18e849", "$identity_anonymous_id": "18e849"},'
        '"properties": {"$timezone_offset": -480}, "type": "track", "event": "$pageview",'
        '"time": 1711621218552, "_track_id": 828798553, "_flush_time": 1711621218553}',
        "`$pageview` of anonymous `18e849` at 2024-03-28T10:20:18.552Z,"
        " id `828798553:1711621218552:18e849:$pageview`",
    ),
    Example(
        "track_signup",
        LAYOUT,
        '{"distinct_id": "130xxxx1234", "original_id": "0f485d", "login_id": "130xxxx1234",'
        '"anonymous_id": "0f485d", "time": 1434557935000, "type": "track_signup",'
        '"event": "$SignUp", "identities": {"$identity_android_id": "0f485d",'
        f'"$identity_login_id": "130xxxx1234"}}, {PROPERTIES}}}',
        "`$SignUp` of user `130xxxx1234` and anonymous `0f485d` at 2015-06-17T16:18:55Z,"
        " id `digest`; "
        "`$identify` of user `130xxxx1234` and anonymous `0f485d` at 2015-06-17T16:18:55Z,"
        " id `digest:link`",
    ),
    Example(
        "track_signup, of ID mapping 1.0",
        OLDER,
        '{"distinct_id": "12345", "original_id": "2b0a6f", "time": 1434557935000,'
        f'"type": "track_signup", "event": "$SignUp", {PROPERTIES}}}',
        "`$SignUp` of user `12345` and anonymous `2b0a6f` at 2015-06-17T16:18:55Z, id `digest`; "
        "`$identify` of user `12345` and anonymous `2b0a6f` at 2015-06-17T16:18:55Z,"
        " id `digest:link`",
    ),
    Example(
        "track_id_bind",
        LAYOUT,
        '{"time": 1622199005123, "type": "track_id_bind", "distinct_id": "333565",'
        '"anonymous_id": "333565", "identities": {"$identity_android_id": "333565",'
        f'"$identity_email": "test@example.com"}}, "event": "$BindID", {PROPERTIES}}}',
        "`$BindID` of user `333565` at 2021-05-28T10:50:05.123Z, id `digest`; "
        "`$identify` of user `333565` and anonymous `$identity_email+test@example.com`"
        " at 2021-05-28T10:50:05.123Z, id `digest:$identity_email+test@example.com`",
    ),
    Example(
        "track_id_bind, of a server",
        SERVER,
        '{"time": 1622199005123, "type": "track_id_bind", "distinct_id": "ABCDEF",'
        '"identities": {"$identity_login_id": "ABCDEF", "$identity_email": "test@example.com"},'
        '"event": "$BindID", "_track_id": 7}',
        "`$BindID` of user `ABCDEF` at 2021-05-28T10:50:05.123Z,"
        " id `7:1622199005123:ABCDEF:$BindID`; "
        "`$identify` of user `ABCDEF` and anonymous `$identity_email+test@example.com`"
        " at 2021-05-28T10:50:05.123Z,"
        " id `7:1622199005123:ABCDEF:$BindID:$identity_email+test@example.com`",
    ),
    Example(
        "track_id_unbind",
        LAYOUT,
        '{"time": 1622199005123, "type": "track_id_unbind", "distinct_id": "333565",'
        '"identities": {"$identity_email": "test@example.com"}, "event": "$UnbindID"}',
        "skipped: identity_unbound",
    ),
    _profile("set", ', "$province": "Hunan"'),
    _profile("set_once", ', "$first_visit_time": "2015-06-26 11:43:15.610"'),
    _profile("increment", ', "gamelevel": 3'),
    _profile("append", ', "movies": ["Seven"]'),
    _profile("unset", ', "$province": true'),
    _profile("delete", ""),
    *(
        Example(
            verb,
            LAYOUT,
            f'{{"type": "{verb}", "item_type": "fruit", "item_id": "0012", "time": 1435290195610,'
            '"properties": {"price": 9}}',
            "skipped: item",
        )
        for verb in ("item_set", "item_delete")
    ),
    Example(
        "An identity by its key, of a server",
        SERVER,
        '{"time": 1622199005123, "type": "track", "distinct_id": "$identity_email+a@example.com",'
        '"identities": {"$identity_email": "a@example.com"}, "event": "Paid", "_track_id": 8}',
        "`Paid` of anonymous `$identity_email+a@example.com` at 2021-05-28T10:50:05.123Z,"
        " id `8:1622199005123:$identity_email+a@example.com:Paid`",
    ),
    Example(
        "time in seconds",
        LAYOUT,
        f'{{"distinct_id": "123456", "time": 1434556935, {VIEWED}}}',
        "refused, bad_time: 1434556935 ms is before 2000, are these seconds? - at `$.time`",
    ),
)
