"""Traits that must not be used: what the law protects most, and what finds a person.

Source:
    Personal Information Protection Law of the PRC (2021), art. 28: sensitive personal information.
"""

import re
from typing import Final

SENSITIVE: Final[dict[str, tuple[str, ...]]] = {
    "biometrics": (
        "biometric", "fingerprint", "faceprint", "iris", "voiceprint", "dna", "gene",
        "指纹", "人脸", "声纹", "虹膜", "基因", "生物识别",
    ),
    "religion": ("religion", "religious", "faith", "belief", "church", "mosque", "宗教", "信仰"),
    "special identity": (
        "ethnicity", "ethnic", "nationality", "political", "politics",
        "caste", "criminal", "sexual", "sexuality", "orientation", "民族", "种族", "政治", "党派",
        "犯罪", "性取向", "特定身份",
    ),
    "health": (
        "health", "medical", "medicine", "disease", "illness", "diagnosis", "symptom", "patient",
        "prescription", "drug", "pregnant", "pregnancy", "disability", "disabled", "blood",
        "allergy", "mental", "hospital", "健康", "医疗", "病", "诊断", "处方", "怀孕", "孕", "残疾",
        "血型", "过敏",
    ),
    "financial account": (
        "bank", "account_balance", "bank_card", "card_no", "card_number", "iban", "account_no",
        "account_number", "credit_score", "loan", "debt", "income", "salary", "wage", "银行",
        "卡号", "余额", "征信", "贷款", "债", "收入", "工资", "账号",
    ),
    "whereabouts": (
        "location", "gps", "geo", "latitude", "longitude", "lat", "lng",
        "trajectory", "whereabouts", "itinerary", "ip", "定位", "位置", "轨迹", "行踪", "经度",
        "纬度", "行程",
    ),
    "minors": (
        "minor", "child", "children", "kid", "kids", "baby", "infant", "son", "daughter",
        "student_under_14", "未成年", "儿童", "孩子", "宝宝", "婴儿", "子女",
    ),
    "identity document": (
        "id_card", "idcard", "identity_card", "id_number", "id_no", "passport", "ssn",
        "social_security", "licence_no", "license_no", "driving_licence", "driving_license",
        "身份证", "护照", "社保", "证件", "驾照",
    ),
    "contact address": (
        "phone", "mobile", "tel", "telephone", "cellphone", "msisdn", "email", "address",
        "addr", "street", "postcode", "zip", "openid", "unionid", "external_userid", "wechat",
        "weixin", "wechat_id", "qq", "手机", "电话", "邮箱", "邮件", "地址", "住址", "微信号",
    ),
    "secret": ("password", "passwd", "pin", "token", "secret", "cvv", "密码", "口令"),
}  # fmt: skip
"""Category to the words by which a trait of it is known; a word may be a part of the name."""

SAID_CHARS_MAX: Final = 20
"""Longer traits are not said: fields of WeChat's messages hold no more."""

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_WORD: Final = re.compile(r"[^0-9a-z\u4e00-\u9fff]+")
_UNFIT: Final = re.compile(
    r"[【】{}$<>\x00-\x1f\x7f]|://|www\.|@|\d[\d\s-]{5,}\d", re.IGNORECASE
)  # Signs and marks of templates, links, addresses, numbers of phones and documents.


def sensitive_category(trait: str) -> str:
    """Return the category of sensitive information that a trait's name speaks of, else nothing."""
    name = _NO_WORD.sub("_", _CAMEL.sub("_", trait).lower())
    for category, words in SENSITIVE.items():
        for word in words:
            is_part = f"_{word}_" in f"_{name}_" or f"_{word}s_" in f"_{name}_"
            if is_part or (not word.isascii() and word in name):
                return category
    return ""


def is_fit_to_say(text: str) -> bool:
    """Return whether what is known of a user may stand in a message to the user."""
    return 0 < len(text) <= SAID_CHARS_MAX and _UNFIT.search(text) is None
