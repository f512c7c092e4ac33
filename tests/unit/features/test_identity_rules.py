"""Names, paths, tags, ids and policies of IAM."""

import json
import re
from collections.abc import Callable
from random import Random
from string import ascii_letters, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.features.identity.documents import (
    check_inline_policies,
    check_inline_policy,
    check_managed_policy,
    check_trust_policy,
)
from entrepot.features.identity.errors import (
    InlinePoliciesTooLarge,
    InvalidInput,
    MalformedPolicyDocument,
    QuotaExceeded,
    ValidationError,
)
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import PolicyText
from entrepot.features.identity.rules import (
    MAX_TAGS,
    check_account,
    check_description,
    check_max_session,
    check_name,
    check_path,
    check_policy_path,
    check_tags,
    merge_tags,
    new_access_key_id,
    new_secret,
    unique_id,
    without_tags,
)

NAME_CHARACTERS = ascii_letters + digits + "_+=,.@-"
TAG_TEXTS = st.text("aB äß字 _.:/=+-@7", min_size=1, max_size=20).filter(
    lambda t: not t.lower().startswith("aws:")
)
TAGS = st.dictionaries(TAG_TEXTS, TAG_TEXTS, max_size=MAX_TAGS).filter(
    lambda t: len({k.lower() for k in t}) == len(t)
)


@given(st.text(NAME_CHARACTERS, min_size=1, max_size=64))
def test_names_of_iams_characters_are_names(name: str) -> None:
    """One to 64 of them."""
    check_name("userName", name)


@given(st.text(min_size=1, max_size=64).filter(lambda text: set(text) - set(NAME_CHARACTERS)))
def test_a_name_has_no_other_characters(text: str) -> None:
    """Letters of other scripts, that look alike, are others."""
    with pytest.raises(ValidationError, match="userName"):
        check_name("userName", text)


@pytest.mark.parametrize("name", ["", "a" * 65, "a b", "a\n", "\u0430lice", "a/b", "a*", "a:b", "a${b}"])
def test_what_is_no_name_is_refused(name: str) -> None:
    """With the parameter and the value in IAM's sentence."""
    with pytest.raises(ValidationError, match="at 'roleName' failed to satisfy constraint: Member must"):
        check_name("roleName", name)


@pytest.mark.parametrize("path", ["/", "/a/", "/a/b/", "/!~/", "/" + "x" * 510 + "/"])
def test_paths_begin_and_end_with_a_slash(path: str) -> None:
    """And have up to 512 printable characters."""
    check_path(path)


@pytest.mark.parametrize(
    "path", ["", "a", "/a", "a/", "/a b/", "/\x7f/", "/ä/", "/" + "x" * 511 + "/", "/\n", "/a/\n"]
)
def test_what_is_no_path_is_refused(path: str) -> None:
    """Also what a policy's path may not be."""
    with pytest.raises(ValidationError, match="path"):
        check_path(path)
    with pytest.raises(ValidationError, match="path"):
        check_policy_path(path)


@pytest.mark.parametrize("path", ["/a*/", "/a?/", "//", "/a//b/", "/${aws:username}/"])
def test_the_path_of_a_policy_has_nothing_that_a_pattern_could_be(path: str) -> None:
    """It is part of an ARN that others write patterns for."""
    with pytest.raises(ValidationError):
        check_policy_path(path)


@pytest.mark.timeout(5)
def test_a_path_that_almost_is_one_is_refused_at_once() -> None:
    """Matching takes no longer for a text that was made to make it take long."""
    with pytest.raises(ValidationError):
        check_policy_path("/a" * 255 + "!")


@pytest.mark.parametrize("seconds", [3600, 43200])
def test_a_session_lasts_between_one_and_twelve_hours(seconds: int) -> None:
    """Both included."""
    check_max_session(seconds)
    with pytest.raises(ValidationError, match="maxSessionDuration"):
        check_max_session(seconds + (1 if seconds == 43200 else -1))


@pytest.mark.parametrize("description", ["x" * 1001, "\x00", "Łódź", "\x7f"])
def test_a_description_is_latin_1_of_a_thousand_characters(description: str) -> None:
    """None at all is fine."""
    check_description(None)
    check_description("Fährt aus\n")
    with pytest.raises(ValidationError, match="description"):
        check_description(description)


@pytest.mark.parametrize("account", ["", "1", "12345678901", "1234567890123", "12345678901a", "\uff11" * 12])
def test_an_account_is_twelve_digits(account: str) -> None:
    """Digits of ASCII."""
    check_account("123456789012")
    with pytest.raises(ValidationError):
        check_account(account)


@given(TAGS)
def test_tags_of_any_script_are_tags(tags: dict[str, str]) -> None:
    """Up to fifty."""
    assert check_tags(tags.items(), "TagsPerUser") == tags


@pytest.mark.parametrize(
    ("tags", "error"),
    [
        ([("", "v")], ValidationError),
        ([("k" * 129, "v")], ValidationError),
        ([("k", "v" * 257)], ValidationError),
        ([("k\n", "v")], ValidationError),
        ([("k", "a*")], ValidationError),
        ([("aws:x", "v")], InvalidInput),
        ([("AWS:x", "v")], InvalidInput),
        ([("k", "v"), ("k", "v")], InvalidInput),
        ([("k", "v"), ("K", "w")], InvalidInput),
        ([(f"k{number}", "") for number in range(51)], QuotaExceeded),
    ],
)
def test_what_are_no_tags_is_refused(tags: list[tuple[str, str]], error: type[Exception]) -> None:
    """Keys that differ by case alone are one key."""
    with pytest.raises(error):
        check_tags(tags, "TagsPerUser")


@given(TAGS, TAGS)
def test_added_tags_win_whatever_their_case(tags: dict[str, str], added: dict[str, str]) -> None:
    """And no two keys differ by case alone afterwards."""
    swapped = {key.swapcase(): value for key, value in added.items()}
    if len({key.lower() for key in (*tags, *swapped)}) > MAX_TAGS:
        with pytest.raises(QuotaExceeded):
            merge_tags(tags, swapped, "TagsPerUser")
        return

    merged = merge_tags(tags, swapped, "TagsPerUser")

    assert len({key.lower() for key in merged}) == len(merged)
    assert swapped.items() <= merged.items()
    assert {key.lower() for key in merged} == {key.lower() for key in (*tags, *swapped)}


@given(TAGS)
def test_tags_are_removed_in_any_case(tags: dict[str, str]) -> None:
    """And the others stay."""
    removed, kept = list(tags)[::2], list(tags)[1::2]

    assert list(without_tags(tags, [key.lower() for key in removed])) == kept


@given(st.integers(min_value=0))
def test_ids_and_secrets_are_of_aws_form(seed: int) -> None:
    """So every client takes them for what they are."""

    def random_hex(size: int) -> str:
        return Random(seed).randbytes(size).hex()

    assert re.fullmatch(r"AROA[A-Z2-7]{17}", unique_id("AROA", random_hex))
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", new_access_key_id(random_hex))
    assert re.fullmatch(r"[A-Za-z0-9+/]{40}", new_secret(random_hex))


def policy(action: str = "ecr:*", **more: object) -> str:
    """A policy of one statement."""
    statement = {"Effect": "Allow", "Action": action, "Resource": "*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_white_space_does_not_count() -> None:
    """A policy that is laid out well may be longer."""
    wide = policy("ecr:" + "a" * 5000).replace(" ", " " * 500)

    check_managed_policy(wide)
    with pytest.raises(QuotaExceeded, match="PolicySize: 6144"):
        check_managed_policy(policy("ecr:" + "a" * 6200))


@pytest.mark.parametrize(("kind", "limit"), [(PrincipalKind.USER, 2048), (PrincipalKind.ROLE, 10240)])
def test_inline_policies_count_together(kind: PrincipalKind, limit: int) -> None:
    """Up to the last character."""
    texts = [PolicyText("a", None, "x" * (limit - 1)), PolicyText("b", None, "y")]

    check_inline_policies(kind, "name", texts)
    with pytest.raises(InlinePoliciesTooLarge, match=f"{limit} bytes exceeded for {kind} name"):
        check_inline_policies(kind, "name", [*texts, PolicyText("c", None, " z")])


@pytest.mark.parametrize("check", [check_managed_policy, check_inline_policy, check_trust_policy])
@pytest.mark.parametrize(
    "document", ["", "{", "[]", "null", '{"Version": "2012-10-17", "Statement": [{}]}', "[" * 9999]
)
def test_what_is_no_policy_is_refused(check: Callable[[str], None], document: str) -> None:
    """Broken, empty or deeply nested."""
    with pytest.raises(MalformedPolicyDocument):
        check(document)


def test_a_broken_policy_is_refused_with_the_place() -> None:
    """So its author finds it."""
    with pytest.raises(MalformedPolicyDocument, match=r"Statement\[0\].*Condition"):
        check_inline_policy(policy(Condition={"StringEqualz": {"a:b": "c"}}))


def test_a_trust_policy_names_who_is_trusted_and_no_resource() -> None:
    """A policy of one kind is none of the other."""
    trust = policy("sts:AssumeRole", Principal={"AWS": "111122223333"}).replace(', "Resource": "*"', "")

    check_trust_policy(trust)
    with pytest.raises(MalformedPolicyDocument):
        check_inline_policy(trust)
    with pytest.raises(MalformedPolicyDocument):
        check_trust_policy(policy())
    with pytest.raises(QuotaExceeded, match="ACLSizePerRole: 2048"):
        check_trust_policy(trust.replace("111122223333", f"arn:aws:iam::111122223333:role/{'a' * 2100}"))
