"""What ``--channel`` takes, and how it refuses the rest."""

import pytest

from winback_sender.errors import UserError
from winback_sender.routes import read_routes


def test_a_channel_has_its_adapter() -> None:
    assert read_routes(["sms=aliyun", "call=call_list"]) == {"sms": "aliyun", "call": "call_list"}


def test_an_adapter_alone_takes_every_channel_or_the_only_one_that_it_can() -> None:
    assert read_routes(["console"]) == {"*": "console"}
    assert read_routes(["aliyun"]) == {"sms": "aliyun"}


@pytest.mark.parametrize(
    ("words", "says", "hint"),
    [
        (["sms=aliyum"], "no adapter is called 'aliyum'", "did you mean aliyun?"),
        (["sms=nonsense"], "no adapter is called 'nonsense'", "lists them"),
        (["wechat=aliyun"], "aliyun carries sms, not wechat", "--channel sms=aliyun"),
        (["sms=aliyun", "sms=tencent"], "sms goes to aliyun already", "one adapter"),
        (["=console"], "no channel is named", "--channel console"),
        ([""], "no adapter is called ''", "lists them"),
    ],
)
def test_what_cannot_be_is_refused_with_a_way_out(words: list[str], says: str, hint: str) -> None:
    with pytest.raises(UserError) as refusal:
        read_routes(words)
    assert says in refusal.value.message
    assert hint in refusal.value.hint
