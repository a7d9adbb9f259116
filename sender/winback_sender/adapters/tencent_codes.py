"""What Tencent Cloud's codes mean for a touch.

Source:
    https://cloud.tencent.com/document/api/382/59177 (sending and receipts),
    https://cloud.tencent.com/document/api/382/52075 (every API), and with the same words
    ``tencentcloud/sms/v20210111/errorcodes.py`` of TencentCloud/tencentcloud-sdk-python; the kinds
    of failed receipts: https://tencentcloud.com/document/product/382/40473
    (CallbackStatusStatistics).
"""

from typing import Final

from winback_sender.adapters.verdicts import (
    ACCOUNT,
    FULL_DAY,
    GONE,
    NEVER,
    THROTTLED,
    TOO_OFTEN,
    UNKNOWN,
    Say,
    Verdict,
)
from winback_sender.contract.words import HARD, SOFT, UNSENT

CODES: Final[dict[str, Verdict]] = {
    # The number.
    "InvalidParameterValue.IncorrectPhoneNumber": GONE,
    "FailedOperation.PhoneNumberInBlacklist": GONE,  # it opted out, or its carrier says so
    "FailedOperation.PhoneNumberOnBlacklist": GONE,
    "LimitExceeded.PhoneNumberThirtySecondLimit": Verdict(Say.LATER, 30.0),
    "LimitExceeded.PhoneNumberOneHourLimit": TOO_OFTEN,
    "LimitExceeded.PhoneNumberDailyLimit": TOO_OFTEN,
    "LimitExceeded.PhoneNumberSameContentDailyLimit": TOO_OFTEN,
    "LimitExceeded.DeliveryFrequencyLimit": TOO_OFTEN,
    # The hour: marketing only from 8 to 22.
    "FailedOperation.MarketingSendTimeConstraint": TOO_OFTEN,
    # The account: a person must do something, and the touch can wait for it.
    "LimitExceeded.AppDailyLimit": FULL_DAY,
    "LimitExceeded.DailyLimit": FULL_DAY,
    "FailedOperation.InsufficientBalanceInSmsPackage": ACCOUNT,
    "FailedOperation.NotEnterpriseCertification": ACCOUNT,
    "InvalidParameterValue.SdkAppIdNotExist": ACCOUNT,
    "InternalError.RequestTimeException": ACCOUNT,  # our clock is more than ten minutes off
    "InternalError.SigFieldMissing": ACCOUNT,
    "InternalError.SigVerificationFail": ACCOUNT,
    "IpInBlacklist": ACCOUNT,
    "IpNotInWhitelist": ACCOUNT,
    # The template, the signature, the variables: it will be the same next time.
    "FailedOperation.ContainSensitiveWord": NEVER,
    "FailedOperation.FailResolvePacket": NEVER,
    "FailedOperation.JsonParseFail": NEVER,
    "FailedOperation.MissingSignature": NEVER,
    "FailedOperation.MissingSignatureList": NEVER,
    "FailedOperation.MissingTemplateList": NEVER,
    "FailedOperation.SignatureIncorrectOrUnapproved": NEVER,
    "FailedOperation.TemplateIncorrectOrUnapproved": NEVER,
    "FailedOperation.TemplateUnapprovedOrNotExist": NEVER,
    "FailedOperation.TemplateParamSetNotMatchApprovedTemplate": NEVER,
    "LimitExceeded.PhoneNumberCountLimit": NEVER,
    "InternalError.JsonParseFail": NEVER,
    "InternalError.RestApiInterfaceNotExist": NEVER,
    # Theirs, or said in so few words that nobody can know.
    "FailedOperation": UNKNOWN,
    "FailedOperation.OtherError": UNKNOWN,
    "FailedOperation.ParametersOtherError": UNKNOWN,
    "InternalError": UNKNOWN,
    "InternalError.OtherError": UNKNOWN,
    "InternalError.SendAndRecvFail": UNKNOWN,
    "InternalError.Timeout": UNKNOWN,
    "InternalError.UnknownError": UNKNOWN,
}

PREFIXES: Final = (
    ("RequestLimitExceeded", THROTTLED),
    ("LimitExceeded", TOO_OFTEN),
    ("AuthFailure", ACCOUNT),
    ("UnauthorizedOperation", ACCOUNT),
    ("InvalidParameter", NEVER),
    ("MissingParameter", NEVER),
    ("UnsupportedOperation", NEVER),
    ("UnknownParameter", NEVER),
    ("InvalidAction", NEVER),
    ("InvalidRequest", NEVER),
    ("NoSuch", NEVER),
)
"""For codes that are not named above; any other may have been sent."""

GONE_WORDS: Final = ("空号", "黑名单", "免打扰", "退订")
"""Carriers have hundreds of codes (``MK:100F``); what they come to stands in the description. A
phone that is off or suspended may be on again, a number that does not exist will not."""
KEPT_WORDS: Final = ("频率", "频次", "关键字", "关键词", "敏感")


def outcome_of(description: str) -> str:
    """Return the outcome of a receipt that says no."""
    if any(word in description for word in GONE_WORDS):
        return HARD
    return UNSENT if any(word in description for word in KEPT_WORDS) else SOFT
