# ruff: noqa: E501 (tables of samples)
"""How hostile JSON, YAML, CSV and binary values are written: their tokens, and the evil ones."""

import re
from typing import Final

from tests.fuzz.mutate import MAX_BYTES, Tongue

DEEP: Final = 10_000
TEXTS: Final = tuple(
    text.encode("utf-8", "surrogatepass")
    for text in (
        "", " ", "\0", "\0partition", "$watermark", "$coverage", "$identify", "用户", "é", "e\u0301",
        "\u202egnp.exe", "\u200b\u200d", "\ufeffx", "\ud800", "\udfff\ud800", "💥" * 70, "\u2028",
        "\x1b[31m", "a\nb: c", "\r\nSet-Cookie: x", "'; drop table users; --", "${jndi:ldap://x}",
        "../../etc/passwd", "=cmd()", "%s%n", "NaN", "-Infinity", "1e400", "0x10", "1_000", "١٢٣",
        "1" * 5_000, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999-14:00", "2024-02-30",
        "2024-01-01T00:00:00", "2024-01-01 00:00:00 +00:00", "2024-W01-1", "Factory", "localtime",
        "../UTC", "UTC\0", "purchase", "granted", "sms", "x" * 257, "y" * 513,
    )
)  # fmt: skip
NUMBERS: Final = tuple(
    text.encode()
    for text in (
        "0", "-0", "-0.0", "1", "-1", "1e400", "-1e400", "1e308", "5e-324", "1E+1000000",
        "1E-1000000", "NaN", "Infinity", "-Infinity", "9007199254740993", "9223372036854775807",
        "9223372036854775808", "18446744073709551616", "-9223372036854775809", "1" + "0" * 400,
        "9" * 4_299, "9" * 5_000, "-" + "9" * 40, "0." + "3" * 400, "1483271606000",
        "253402300800000", "99999999999999999", "-62135596800001", "1e12", "1000000000001", "0.1e1",
        "01", "+1", ".5", "1.", "1e", "32503680000000", "4102444800000", "4294967296", "2147483648",
    )
)  # fmt: skip
BRACKETS: Final = tuple(
    text.encode()
    for text in (
        "null", "true", "false", "[]", "{}", "[[]]", "[{}]", '{"":{}}', "[null]", "{", "}", "[", "]",
        ",", ":", '"', "\\", '{"a":1,"a":2}', '{"user_id":"x","user_id":"y"}', '["a","b"]',
        '{"scale":1000000000,"value":"BNI="}', '{"scale":2,"value":"BNI="}', '"\\u0000"', '"\\ud800"',
        '"\\u0075ser_id":', '"\\ud83d\\ude00"', '"\\x"', "//", "/**/", "'a'", "\t", "\n", "\x00",
        '"user_id" :', "undefined", "NaN", '{"properties":{}}', "[" * 30 + "]" * 30,
    )
)  # fmt: skip
QUOTED: Final = tuple(b'"%s"' % text for text in TEXTS)


def _nested(deep: int) -> tuple[bytes, ...]:
    return (
        b"[" * deep + b"]" * deep,
        b'{"a":' * deep + b"1" + b"}" * deep,
        b"[" * deep,
    )


def _filled(piece: bytes, begin: bytes, end: bytes, size: int = MAX_BYTES - 600) -> bytes:
    return begin + piece * ((size - len(begin) - len(end)) // len(piece)) + end


LONG_JSON: Final = (
    *_nested(240),
    *_nested(252),
    *_nested(600), *_nested(940), *_nested(980), *_nested(DEEP),
    _filled(b"a", b'"', b'"'),
    _filled("用".encode(), b'"', b'"'),
    _filled(b"\\u0041", b'"', b'"'),
    _filled(b"\\n", b'"', b'"'),
    _filled(b"9", b"", b""),
    _filled(b"9", b"0.", b""),
    _filled(b"9", b"-1e", b""),
    _filled(b"null,", b"[", b"null]"),
    _filled(b"{},", b"[", b"{}]"),
    _filled(b"[],", b"[", b"[]]"),
    _filled(b'"a":1,', b"{", b'"a":1}'),
    _filled(b'"user_id":"a",', b"{", b'"b":1}'),
    b"{" + b",".join(b'"%x":1' % place for place in range(6_000)) + b"}",
    b"{" + b",".join(b'"%x":1' % (place % 5_999) for place in range(6_000)) + b"}",
    _filled(b" ", b"", b"1"),
    _filled(b"\\", b'"', b'"'),
    _filled(b'"{":', b"{", b"1}"),
)  # fmt: skip
JSON: Final = Tongue(
    re.compile(rb'"(?:[^"\\]|\\.)*"|[-+0-9.eE]+|[a-z]+|\s+|[^\s]', re.DOTALL),
    (*QUOTED, *NUMBERS, *BRACKETS),
    (*LONG_JSON, *(b'"x":%s' % each for each in LONG_JSON)),
    (*LONG_JSON, b"", b"\0", b"\0\0\0\0\7", b"\xef\xbb\xbf{}", b"null", b'"a"', b"1", b"{}"),
)

VARINTS: Final = tuple(
    bytes.fromhex(each)
    for each in (
        "00", "01", "02", "7f", "80", "8001", "fe", "ff", "ff01", "ff7f", "feffffff0f", "ffffffff0f",
        "ffffffffffffffffff01", "feffffffffffffffff01", "ffffffffffffffffffff01", "8080808000",
        "80808080808080808080808080", "808080808004", "fffffffff7ffffffff01", "a0c21e", "fe9f06",
    )
)  # fmt: skip
"""Numbers as Avro and Protobuf write them: huge, negative, overlong, endless; some are lengths."""
DOUBLES: Final = tuple(
    bytes.fromhex(each)
    for each in ("000000000000f07f", "000000000000f8ff", "0000000000000080", "ffffffffffffef7f")
)
BINARY: Final = Tongue(
    re.compile(rb".", re.DOTALL),
    (*VARINTS, *DOUBLES, *TEXTS[:30], b"\x0b", b"\x0c", b"\x13", b"\x0a\x0a", b"\x12\x80\x80\x04"),
    (
        _filled(b"\0", b"", b""), _filled(b"\xff", b"", b""), _filled(b"\x0a", b"", b""),
        _filled(b"\x02", b"", b""), _filled(b"\x0b", b"", b""), _filled(b"\x01", b"", b""),
        _filled(b"\x80", b"", b""), b"\x0b" * 200, b"\x1a\x02" * 200,
    ),
)  # fmt: skip
MSGPACK: Final = Tongue(
    re.compile(rb".", re.DOTALL),
    (
        *VARINTS, *DOUBLES, *TEXTS[:30], b"\xc0", b"\xc1", b"\xc2", b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\x91", b"\x81",
        b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", b"\xd3\x80\0\0\0\0\0\0\0", b"\xcb\x7f\xf0\0\0\0\0\0\0",
        b"\xcb\x7f\xf8\0\0\0\0\0\0", b"\xd6\xff\0\0\0\0", b"\xc7\0\x05", b"\xa1\xff", b"\x90", b"\x80",
    ),
    (b"\x91" * DEEP, b"\x81\xa1a" * DEEP, b"\x91" * 500, _filled(b"\xc0", b"\xdc\xff\xff", b"")),
)  # fmt: skip

BOMBS: Final = (
    "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{below}'] * 9)}]\n"
        for below, name in zip("abcdefgh", "bcdefghi", strict=True)
    ),
    "a: &a {x: 1}\n" + "".join(f"b{n}: &b{n}\n  <<: [{', '.join(['*a'] * 9)}]\n" for n in range(9)),
    "a: &a\n  b: *a\n", "&a [*a]\n", "&a {<<: *a}\n", "- " * 500 + "x\n", "? " * 300 + "x\n",
    "[" * DEEP, "{a: " * 3_000, "[" * 200 + "]" * 200, "a: !!python/object/apply:os.system [true]\n",
    "!!python/name:os.system\n", "!!python/object/new:type {}\n", "a: !!binary 'x'\n",
    "a: !!timestamp 2001-99-99\n", "a: !!set {x}\n", "a: !!omap [x: 1]\n", "a: !!int 'x'\n",
    "a: !!float x\n", "a: !!bool x\n", "!!map [x]\n", "!!seq {x: 1}\n", "!!str [x]\n", "!x y\n",
    "%YAML 9.9\n---\na: 1\n", "%TAG ! tag:x,2000:\n---\n!a b\n", "---\na: 1\n---\nb: 2\n", "...\n",
    "\ufeffa: 1\n", "a:\tb\n\tc: d\n", "a: |\n" + "  x\n" * 9_000, "a: '" + "x" * 60_000 + "'\n",
    'a: "' + "\\x41" * 15_000 + '"\n', "# " + "x" * 60_000, "\n" * 60_000, " " * 60_000,
    "a: 1\n" * 9_000, "".join(f"k{n}: {n}\n" for n in range(7_000)), "- x\n" * 15_000,
    "a: &" + "x" * 60_000 + " 1\n", "a: *" + "x" * 6_000, "? [a, b]\n: c\n", "? {a: b}\n: c\n",
    "? &a [*a]\n: 1\n", "1: a\n1.0: b\ntrue: c\n", "a: 1:1:1:1:1:1\n" * 500, "a: " + "9" * 5_000,
    "a: " + "9" * 60_000, "a: 0b" + "1" * 60_000, "a: 0x" + "f" * 60_000, "a: 1e" + "9" * 5_000,
    "a: " + "1_" * 30_000, "a: " + "1:" * 30_000 + "1", "a: " + "0" * 60_000 + "8", "a: .inf",
    "a: " + "." * 60_000, "a: 2001-01-01 " + " " * 60_000 + "x", 'a: "\\ud800"', "a: \x01",
    'a: "\\U00110000"', "a: >" + "9" * 5_000, "@x", "`x", "a: b: c", "[a, b", "{a, b", "]", "}",
    "-\n" * 20_000, "a:\n" + "".join(f"{' ' * n}b:\n" for n in range(1, 300)), "? " * 3_000,
)  # fmt: skip
"""Documents that are an attack on whoever reads YAML."""
YAML: Final = Tongue(
    re.compile(rb"\n[ ]*|[ ]+|[\w.$-]+|'[^']*'|\"[^\"]*\"|.", re.DOTALL),
    (
        *(text for text in TEXTS if text), *NUMBERS[:24],
        *(
            text.encode()
            for text in (
                "~", "null", "yes", "NO", "off", "0o17", "017", "0b11", "1_000", "1:30", "12:30:45",
                "2001-01-01", "2001-12-14t21:59:43.10-05:00", ".inf", "-.INF", ".nan", "<<", "=", "&a",
                "*a", "*b", "&a [*a]", "!!str", "!!python/object:os.system", "!x", "|", ">", "|+9", "%",
                "@", "`", "- ", "? ", ": ", "[", "]", "{", "}", ", ", "#", "\t", "\n", "\n  ", "\n- ",
                "\r", "---\n", "\n...\n", "''", '""', "[]", "{}", "[1, [2]]", "{a: {b: c}}", "'", '"',
                "$.a", "$", "$..", "$.a[0]", "$.a.99999999999", "30d", "1e9d", "-1d", "0.5", "100%",
                "48h", "999999999999d", "UTC", "Asia/Shanghai", "Nowhere/Else", "CNY", "${A}", "{{x}}",
                "[x" + ",x" * 40 + "]",
            )
        ),
    ),
    (
        b"x" * 30_000, b"[" * 900, b"9" * 4_999, b"{a: " * 400, b"- " * 400,
        b"[" + b"a," * 9_000 + b"a]",
    ),
    tuple(text.encode() for text in BOMBS),
)  # fmt: skip
TEXT: Final = Tongue(
    re.compile(rb"[\w.+-]+|\r?\n|.", re.DOTALL),
    (
        *TEXTS, *NUMBERS, b",", b"\n", b"\r", b'"', b'""', b"'", b"\0", b"\t", b";", b"|", b"\x1f\x8b",
        b"=1+1", b"a,b,c,d,e,f,g", b'"a\nb"', b'"a', b"{", b"[", b"{}",
    ),
    (b"a" * 40_000, b"," * 40_000, b"\n" * 40_000, b'"' * 40_001, b'"' + b"\n" * 30_000, b"9" * 40_000),
    (b"", b"\0", b"\xff\xfea\0,\0", b"\xef\xbb\xbf", b"\x1f\x8b\x08", b"PAR1" + b"\0" * 60 + b"PAR1"),
)  # fmt: skip
XML: Final = Tongue(
    re.compile(rb"<!\[CDATA\[|\]\]>|</?[\w:]+|[\w.+-]+|.", re.DOTALL),
    (
        *TEXTS, *NUMBERS, b"<", b">", b"&", b"&lt;", b"&xxe;", b"&#0;", b"&#x110000;", b"]]>", b"<a/>",
        b"<![CDATA[", b"<!-- x -->", b"<?x y?>", b"<a b='c' b='d'>", b"<x:y xmlns:x='z'>", b"\xff",
        b"<List><a>1</a></List>", b"<MsgType>event</MsgType>", b"<FromUserName>",
    ),
    (b"<a>" * 900, b"<a>" * 9_000, b"x" * 40_000, b"<a/>" * 9_000, b"&lt;" * 9_000, b" " * 40_000),
    (
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><xml><A>&b;</A></xml>',
        b'<!DOCTYPE x [<!ENTITY xxe SYSTEM "file:///etc/passwd">]><xml><A>&xxe;</A></xml>',
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><xml/>', b"<xml/>", b"<xml></xml>", b"", b"{}",
        b'<?xml version="1.0" encoding="utf-16"?><xml/>', b"<a>" * DEEP + b"</a>" * DEEP,
        b'<?xml version="1.0" encoding="gb2312"?><xml>x</xml>', b"[]", b'{"a":' * DEEP,
    ),
)  # fmt: skip
