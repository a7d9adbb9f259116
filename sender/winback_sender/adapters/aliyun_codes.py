"""What Aliyun's codes mean for a touch.

Source:
    https://help.aliyun.com/document_detail/101346.html (codes of the API),
    https://help.aliyun.com/document_detail/101347.html (codes of receipts),
    https://developer.aliyun.com/ask/635553 (``Throttling.Api``, ``Throttling.User``: wait, retry),
    read in copies of 2023 to 2026. ``isv.`` is the caller's fault, ``isp.`` theirs.
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
    Verdict,
)
from winback_sender.contract.words import HARD, SOFT, UNSENT

CODES: Final[dict[str, Verdict]] = {
    # The number.
    "isv.MOBILE_NUMBER_ILLEGAL": GONE,
    "isv.BLACK_KEY_CONTROL_LIMIT": GONE,  # it opted out or complained, and cannot be freed
    "isv.CUSTOMER_REFUSED": GONE,  # it has opted out of promotions
    "isv.BUSINESS_LIMIT_CONTROL": TOO_OFTEN,
    # The account: a person must do something, and the touch can wait for it.
    "isv.AMOUNT_NOT_ENOUGH": ACCOUNT,
    "isv.OUT_OF_SERVICE": ACCOUNT,
    "isv.ACCOUNT_NOT_EXISTS": ACCOUNT,
    "isv.ACCOUNT_ABNORMAL": ACCOUNT,
    "isv.SECURITY_FROZEN_ACCOUNT": ACCOUNT,
    "isv.PRODUCT_UN_SUBSCRIPT": ACCOUNT,
    "isv.PRODUCT_UNSUBSCRIBE": ACCOUNT,
    "isv.DENY_IP_RANGE": ACCOUNT,
    "isp.RAM_PERMISSION_DENY": ACCOUNT,
    "isv.DAY_LIMIT_CONTROL": FULL_DAY,
    "isv.MONTH_LIMIT_CONTROL": FULL_DAY,
    "InvalidTimeStamp.Expired": ACCOUNT,  # our clock is more than 15 minutes off
    "SignatureDoesNotMatch": ACCOUNT,
    # The template, the signature, the variables: it will be the same next time.
    "isv.SMS_TEMPLATE_ILLEGAL": NEVER,
    "isv.SMS_SIGNATURE_ILLEGAL": NEVER,
    "isv.SMS_SIGN_ILLEGAL": NEVER,
    "isv.SMS_SIGNATURE_SCENE_ILLEGAL": NEVER,
    "isv.SIGN_STATE_ILLEGAL": NEVER,
    "isv.SMS_CONTENT_ILLEGAL": NEVER,
    "isv.UNSUPPORTED_CONTENT": NEVER,  # emoji, signs such as 【】
    "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE": NEVER,
    "isv.TEMPLATE_MISSING_PARAMETERS": NEVER,
    "isv.TEMPLATE_PARAMS_ILLEGAL": NEVER,
    "isv.INVALID_PARAMETERS": NEVER,
    "isv.INVALID_JSON_PARAM": NEVER,
    "isv.PARAM_LENGTH_LIMIT": NEVER,
    "isv.PARAM_NOT_SUPPORT_URL": NEVER,
    "isv.MOBILE_COUNT_OVER_LIMIT": NEVER,
    "isv.EXTEND_CODE_ERROR": NEVER,
    "isv.DOMESTIC_NUMBER_NOT_SUPPORTED": NEVER,
    "isv.SMS_TEST_NUMBER_LIMIT": NEVER,
    "isv.SMS_TEST_SIGN_TEMPLATE_LIMIT": NEVER,
    "isv.SMS_TEST_TEMPLATE_PARAMS_ILLEGAL": NEVER,
    # Theirs. The page says "call again", but not that nothing was sent, and a repeat is sent twice.
    "isp.SYSTEM_ERROR": UNKNOWN,
    "isp.GATEWAY_ERROR": UNKNOWN,
    # The same request came twice, so something on the way repeats: the first may have been taken.
    "SignatureNonceUsed": UNKNOWN,
}

PREFIXES: Final = (
    ("Throttling", THROTTLED),
    ("InvalidAccessKeyId", ACCOUNT),
    ("InvalidSecurityToken", ACCOUNT),  # a temporary key has expired
    ("IncompleteSignature", ACCOUNT),
    ("Forbidden", ACCOUNT),
    ("NoPermission", ACCOUNT),
    ("Missing", NEVER),
    ("Invalid", NEVER),
    ("isv.", NEVER),
)
"""For codes that are not named above; any other may have been sent."""

RECEIPTS: Final[dict[str, str]] = {
    "MOBILE_IN_BLACK": HARD,
    "USER_REJECT": HARD,
    "isv.BLACK_KEY_CONTROL_LIMIT": HARD,
    "isv.CUSTOMER_REFUSED": HARD,
    "MOBILE_NOT_ON_SERVICE": SOFT,  # "off, out of reach, suspended, no such number": all in one
    "INVALID_NUMBER": SOFT,  # as above
    "MOBILE_ACCOUNT_ABNORMAL": SOFT,
    "MOBLLE_TERMINAL_ERROR": SOFT,  # as the page spells it
    "MOBILE_TERMINAL_ERROR": SOFT,
    "MOBILE_SEND_LIMIT": SOFT,
    "SP_UNKNOWN_ERROR": SOFT,
    "SP_NOT_BY_INTER_SMS": SOFT,
    "CONTENT_KEYWORD": UNSENT,
    "CONTENT_ERROR": UNSENT,
    "NO_ROUTE": UNSENT,
    "IS_CLOSE": UNSENT,
    "PARAMS_ILLEGAL": UNSENT,
    "PORT_NOT_REGISTERED": UNSENT,
    "SIGNATURE_BLACKLIST": UNSENT,
    "REQUEST_SUCCESS": "",
}
"""Code of a receipt that says no, to the outcome. With ``REQUEST_SUCCESS`` the carrier has said
nothing, so nothing is known."""


def outcome_of(code: str) -> str:
    """Return the outcome of a failed receipt; empty = it is none. What is not known may heal."""
    return RECEIPTS.get(code, UNSENT if code.startswith("isv.") else SOFT)
