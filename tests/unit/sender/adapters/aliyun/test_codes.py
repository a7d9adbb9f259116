"""What each code of Aliyun means for a touch."""

import pytest

from tests.unit.sender.adapters.aliyun.stand import NUMBER, World
from winback_sender.adapters.aliyun_codes import CODES
from winback_sender.contract.words import HARD, UNSENT, Status
from winback_sender.receipt import Receipt

LATER = {
    "isv.BUSINESS_LIMIT_CONTROL", "isv.AMOUNT_NOT_ENOUGH", "isv.OUT_OF_SERVICE",
    "isv.ACCOUNT_NOT_EXISTS", "isv.ACCOUNT_ABNORMAL", "isv.SECURITY_FROZEN_ACCOUNT",
    "isv.PRODUCT_UN_SUBSCRIPT", "isv.PRODUCT_UNSUBSCRIBE", "isv.DENY_IP_RANGE",
    "isp.RAM_PERMISSION_DENY", "isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL",
    "InvalidTimeStamp.Expired", "SignatureDoesNotMatch",
}  # fmt: skip
GONE = {"isv.MOBILE_NUMBER_ILLEGAL", "isv.BLACK_KEY_CONTROL_LIMIT", "isv.CUSTOMER_REFUSED"}
PERHAPS = {"isp.SYSTEM_ERROR", "isp.GATEWAY_ERROR", "SignatureNonceUsed"}
NEVER = {
    "isv.SMS_TEMPLATE_ILLEGAL", "isv.SMS_SIGNATURE_ILLEGAL", "isv.SMS_SIGN_ILLEGAL",
    "isv.SMS_SIGNATURE_SCENE_ILLEGAL", "isv.SIGN_STATE_ILLEGAL", "isv.SMS_CONTENT_ILLEGAL",
    "isv.UNSUPPORTED_CONTENT", "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE",
    "isv.TEMPLATE_MISSING_PARAMETERS", "isv.TEMPLATE_PARAMS_ILLEGAL", "isv.INVALID_PARAMETERS",
    "isv.INVALID_JSON_PARAM", "isv.PARAM_LENGTH_LIMIT", "isv.PARAM_NOT_SUPPORT_URL",
    "isv.MOBILE_COUNT_OVER_LIMIT", "isv.EXTEND_CODE_ERROR", "isv.DOMESTIC_NUMBER_NOT_SUPPORTED",
    "isv.SMS_TEST_NUMBER_LIMIT", "isv.SMS_TEST_SIGN_TEMPLATE_LIMIT",
    "isv.SMS_TEST_TEMPLATE_PARAMS_ILLEGAL",
}  # fmt: skip


def test_every_code_is_in_one_group() -> None:
    assert set(CODES) == LATER | GONE | PERHAPS | NEVER


BY_PREFIX = {
    "InvalidSecurityToken.Expired", "InvalidSecurityToken.Malformed", "IncompleteSignature",
    "InvalidAccessKeyId.Inactive", "Forbidden.RAM", "NoPermission",
}  # fmt: skip
"""What people mend: keys, rights."""


@pytest.mark.parametrize("code", sorted(LATER | BY_PREFIX))
def test_it_may_go_later(world: World, code: str) -> None:
    world.provider.account_fault = code

    error = world.refusal()

    assert (error.reason, error.outcome, error.retry) == (code, UNSENT, True)
    assert error.after_s > 0


@pytest.mark.parametrize("code", [*sorted(NEVER), "isv.NOT_YET_KNOWN"])
def test_it_will_never_go(world: World, code: str) -> None:
    world.provider.account_fault = code

    error = world.refusal()

    assert (error.reason, error.outcome, error.retry) == (code, UNSENT, False)


@pytest.mark.parametrize("code", sorted(GONE))
def test_the_number_cannot_be_reached(world: World, code: str) -> None:
    world.provider.number_faults["13800138000"] = code

    error = world.refusal()

    assert (error.reason, error.outcome, error.retry) == (code, HARD, False)


@pytest.mark.parametrize("code", [*sorted(PERHAPS), "isp.NOT_YET_KNOWN", "InternalError"])
def test_it_may_have_been_sent(world: World, code: str) -> None:
    world.provider.account_fault = code

    assert world.deliver() == Receipt(Status.UNKNOWN, "", code, address=NUMBER)
