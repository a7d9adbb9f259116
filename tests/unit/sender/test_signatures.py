"""The signatures against the examples that the providers have published."""

from winback_sender.adapters.signatures import acs3_headers, query_string, tc3_headers


def test_the_published_example_of_aliyun() -> None:
    query = {
        "RegionId": "cn-shanghai",
        "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
    }
    headers = {
        "x-acs-action": "RunInstances",
        "x-acs-version": "2014-05-26",
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
    }

    signed = acs3_headers(
        "ecs.cn-shanghai.aliyuncs.com", query_string(query), headers,
        "YourAccessKeyId", "YourAccessKeySecret",
    )  # fmt: skip

    assert signed["authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;"
        "x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_a_query_is_encoded_as_aliyun_does_it() -> None:
    """Space and asterisk are encoded, the tilde is not; Chinese is UTF-8."""
    assert query_string({"b": "a b*c~d/e", "a": "某"}) == "a=%E6%9F%90&b=a%20b%2Ac~d%2Fe"


def test_the_published_example_of_tencent() -> None:
    """The key of the example is 32 asterisks, and its body has the escapes of the page."""
    body = (
        rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    )

    signed = tc3_headers(
        "cvm.tencentcloudapi.com", "cvm", "DescribeInstances", body, 1_551_113_065,
        f"AKID{'*' * 32}", "*" * 32,
    )  # fmt: skip

    assert signed["authorization"] == (
        f"TC3-HMAC-SHA256 Credential=AKID{'*' * 32}/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host;x-tc-action, "
        "Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
    )
