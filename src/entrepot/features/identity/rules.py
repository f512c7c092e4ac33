"""What names, paths and tags of IAM may be, how many of everything there may be, and how ids are made.

Sources: the service model of IAM, and "IAM and AWS STS quotas" in the IAM user guide.
"""

import re
from base64 import b32encode, b64encode
from collections.abc import Callable, Iterable, Mapping

from entrepot.features.identity.errors import (
    InvalidInput,
    QuotaExceeded,
    ValidationError,
)
from entrepot.features.identity.principal import PrincipalKind

MAX_PRINCIPALS = {PrincipalKind.USER: 5_000, PrincipalKind.ROLE: 5_000}
MAX_POLICIES = 5_000
MAX_ACCESS_KEYS = 2
MAX_ATTACHED_POLICIES = 10
MAX_POLICY_VERSIONS = 5
MAX_TAGS = 50
SESSION_SECONDS = (3_600, 43_200)

_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
_PATH = re.compile(r"/([\x21-\x7e]+/)?")
_POLICY_PATH = re.compile(r"((/[A-Za-z0-9.,+@=_-]+)*)/")
# Letters, numbers and separators of any script.
_TAG = re.compile(r"[\w \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000.:/=+@-]*")
_DESCRIPTION = re.compile(r"[\t\n\r\x20-\x7e\xa1-\xff]*")
_ACCOUNT = re.compile(r"[0-9]{12}")


def check_name(parameter: str, name: str, longest: int = 64) -> None:
    """Refuse what is no name of a user, a role or a policy; raises ValidationError."""
    check_length(parameter, name, 1, longest)
    if _NAME.fullmatch(name) is None:
        raise ValidationError(parameter, name, r"Member must satisfy regular expression pattern: [\w+=,.@-]+")


def check_path(path: str) -> None:
    """Refuse what is no path of a user or a role; raises ValidationError."""
    check_length("path", path, 1, 512)
    if _PATH.fullmatch(path) is None:
        raise ValidationError("path", path, "Member must begin and end with /")


def check_policy_path(path: str) -> None:
    """Refuse what is no path of a managed policy; raises ValidationError."""
    check_length("path", path, 1, 512)
    if _POLICY_PATH.fullmatch(path) is None:
        raise ValidationError("path", path, "Member must begin and end with /")


def check_description(description: str | None) -> None:
    """Refuse a description that is too long, or of characters beyond Latin-1; raises ValidationError."""
    if description is None:
        return
    check_length("description", description, 0, 1_000)
    if _DESCRIPTION.fullmatch(description) is None:
        pattern = r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*"
        raise ValidationError(
            "description", description, f"Member must satisfy regular expression pattern: {pattern}"
        )


def check_max_session(seconds: int) -> None:
    """Refuse a session's longest time that is not between one and twelve hours; raises ValidationError."""
    shortest, longest = SESSION_SECONDS
    if seconds < shortest:
        constraint = f"Member must have value greater than or equal to {shortest}"
        raise ValidationError("maxSessionDuration", str(seconds), constraint)
    if seconds > longest:
        constraint = f"Member must have value less than or equal to {longest}"
        raise ValidationError("maxSessionDuration", str(seconds), constraint)


def check_account(account: str) -> None:
    """Refuse what is no number of an account; raises ValidationError."""
    if _ACCOUNT.fullmatch(account) is None:
        raise ValidationError("accountId", account, "Member must satisfy regular expression pattern: [0-9]{12}")


def check_tags(tags: Iterable[tuple[str, str]], quota: str) -> dict[str, str]:
    """Refuse bad tags; gives them as a mapping. Raises ValidationError, InvalidInput, QuotaExceeded.

    Keys that differ by case alone are one key. ``quota`` is the name of the quota of their number.
    """
    checked: dict[str, str] = {}
    for key, value in tags:
        check_length("tags.key", key, 1, 128)
        check_length("tags.value", value, 0, 256)
        for parameter, text in (("tags.key", key), ("tags.value", value)):
            if _TAG.fullmatch(text) is None:
                pattern = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+"
                raise ValidationError(
                    parameter, text, f"Member must satisfy regular expression pattern: {pattern}"
                )
        if key.lower().startswith("aws:"):
            raise InvalidInput("Tag keys that start with aws: are reserved for system use.")
        if key.lower() in map(str.lower, checked):
            raise InvalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
        checked[key] = value
    if len(checked) > MAX_TAGS:
        raise QuotaExceeded(quota, MAX_TAGS)
    return checked


def merge_tags(tags: Mapping[str, str], added: Mapping[str, str], quota: str) -> dict[str, str]:
    """The tags with others added; a key that is there in another case is replaced. Raises QuotaExceeded."""
    merged = {**without_tags(tags, added), **added}
    if len(merged) > MAX_TAGS:
        raise QuotaExceeded(quota, MAX_TAGS)
    return merged


def without_tags(tags: Mapping[str, str], keys: Iterable[str]) -> dict[str, str]:
    """The tags but those of these keys, in any case."""
    removed = {key.lower() for key in keys}
    return {key: value for key, value in tags.items() if key.lower() not in removed}


def unique_id(prefix: str, random_hex: Callable[[int], str]) -> str:
    """The id of a new principal or policy: a prefix of four letters and 17 random characters of A-Z and 2-7."""
    return prefix + b32encode(bytes.fromhex(random_hex(11))).decode()[:17]


def new_access_key_id(random_hex: Callable[[int], str]) -> str:
    """AKIA and 16 random characters of A-Z and 2-7."""
    return "AKIA" + b32encode(bytes.fromhex(random_hex(10))).decode()


def new_secret(random_hex: Callable[[int], str]) -> str:
    """A secret access key: 30 random bytes in 40 characters."""
    return b64encode(bytes.fromhex(random_hex(30))).decode()


def check_length(parameter: str, text: str, shortest: int, longest: int) -> None:
    """Refuse a text of another length; raises ValidationError."""
    if len(text) < shortest:
        constraint = f"Member must have length greater than or equal to {shortest}"
        raise ValidationError(parameter, text, constraint)
    if len(text) > longest:
        raise ValidationError(parameter, text, f"Member must have length less than or equal to {longest}")
