"""What each code of Tencent Cloud means for a touch."""

import pytest

from tests.unit.sender.adapters.tencent.stand import NUMBER, World
from winback_sender.adapters.tencent_codes import CODES
from winback_sender.contract.words import HARD, UNSENT, Status
from winback_sender.receipt import Receipt

LATER = {
    "LimitExceeded.PhoneNumberThirtySecondLimit", "LimitExceeded.PhoneNumberOneHourLimit",
    "LimitExceeded.PhoneNumberDailyLimit", "LimitExceeded.PhoneNumberSameContentDailyLimit",
    "LimitExceeded.DeliveryFrequencyLimit", "FailedOperation.MarketingSendTimeConstraint",
    "LimitExceeded.AppDailyLimit", "LimitExceeded.DailyLimit",
    "FailedOperation.InsufficientBalanceInSmsPackage",
    "FailedOperation.NotEnterpriseCertification", "InvalidParameterValue.SdkAppIdNotExist",
    "InternalError.RequestTimeException", "InternalError.SigFieldMissing",
    "InternalError.SigVerificationFail", "IpInBlacklist", "IpNotInWhitelist",
}  # fmt: skip
GONE = {
    "InvalidParameterValue.IncorrectPhoneNumber", "FailedOperation.PhoneNumberInBlacklist",
    "FailedOperation.PhoneNumberOnBlacklist",
}  # fmt: skip
PERHAPS = {
    "FailedOperation", "FailedOperation.OtherError", "FailedOperation.ParametersOtherError",
    "InternalError", "InternalError.OtherError", "InternalError.SendAndRecvFail",
    "InternalError.Timeout", "InternalError.UnknownError",
}  # fmt: skip
NEVER = {
    "FailedOperation.ContainSensitiveWord", "FailedOperation.FailResolvePacket",
    "FailedOperation.JsonParseFail", "FailedOperation.MissingSignature",
    "FailedOperation.MissingSignatureList", "FailedOperation.MissingTemplateList",
    "FailedOperation.SignatureIncorrectOrUnapproved",
    "FailedOperation.TemplateIncorrectOrUnapproved",
    "FailedOperation.TemplateUnapprovedOrNotExist",
    "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
    "LimitExceeded.PhoneNumberCountLimit", "InternalError.JsonParseFail",
    "InternalError.RestApiInterfaceNotExist",
}  # fmt: skip
BY_PREFIX = {
    "RequestLimitExceeded.UinLimitExceeded": 1.0,
    "LimitExceeded": 900.0,
    "AuthFailure.TokenFailure": 300.0,
    "UnauthorizedOperation.SerivceSuspendDueToArrears": 300.0,  # as the page spells it
}


def test_every_code_is_in_one_group() -> None:
    assert set(CODES) == LATER | GONE | PERHAPS | NEVER


@pytest.mark.parametrize("is_of_number", [False, True])
@pytest.mark.parametrize("code", sorted(LATER))
def test_it_may_go_later(world: World, code: str, *, is_of_number: bool) -> None:
    fail(world, code, is_of_number=is_of_number)

    error = world.refusal()

    assert (error.reason, error.outcome, error.retry) == (code, UNSENT, True)
    assert error.after_s > 0


@pytest.mark.parametrize(("code", "after_s"), BY_PREFIX.items())
def test_it_may_go_later_by_the_first_word(world: World, code: str, after_s: float) -> None:
    world.provider.account_fault = code

    assert (world.refusal().retry, world.refusal().after_s) == (True, after_s)


@pytest.mark.parametrize("is_of_number", [False, True])
@pytest.mark.parametrize(
    "code", [*sorted(NEVER), "InvalidParameterValue.New", "UnsupportedOperation.UnsuportedRegion"]
)
def test_it_will_never_go(world: World, code: str, *, is_of_number: bool) -> None:
    fail(world, code, is_of_number=is_of_number)

    error = world.refusal()

    assert (error.reason, error.outcome, error.retry) == (code, UNSENT, False)


@pytest.mark.parametrize("code", sorted(GONE))
def test_the_number_cannot_be_reached(world: World, code: str) -> None:
    fail(world, code, is_of_number=True)

    error = world.refusal()

    assert (error.reason, error.outcome, error.retry) == (code, HARD, False)


@pytest.mark.parametrize("is_of_number", [False, True])
@pytest.mark.parametrize("code", [*sorted(PERHAPS), "FailedOperation.New", "Whatever"])
def test_it_may_have_been_sent(world: World, code: str, *, is_of_number: bool) -> None:
    fail(world, code, is_of_number=is_of_number)

    assert world.deliver() == Receipt(Status.UNKNOWN, "", code, address=NUMBER)


def fail(world: World, code: str, *, is_of_number: bool) -> None:
    if is_of_number:
        world.provider.number_faults[NUMBER] = code
    else:
        world.provider.account_fault = code
