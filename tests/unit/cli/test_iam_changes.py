"""What importing a document does to an account: exactly what is missing, and never anything twice."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.cli.iam.account import Account, Found, IdentityProvider, Policy, Role, User, read_document
from entrepot.cli.iam.changes import CannotImport, Change, changes
from entrepot.cli.iam.command import Misused
from entrepot.client.iam import PolicyVersion

ACCOUNT = "000000000000"
ARN = f"arn:aws:iam::{ACCOUNT}"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"

Entry = User | Role | Policy | IdentityProvider


def raw(text: str) -> msgspec.Raw:
    """A document."""
    return msgspec.Raw(text.encode())


class AccountModel:
    """What IAM makes of calls, as far as a document can tell; a call that IAM would refuse fails."""

    def __init__(self, account: Account) -> None:
        #: Every user, role, policy and provider, by what its calls name it with.
        self.entries: dict[tuple[str, str], Entry] = {
            **{("UserName", user.name): user for user in account.users},
            **{("RoleName", role.name): role for role in account.roles},
            **{("PolicyArn", policy.arn): policy for policy in account.policies},
            **{("OpenIDConnectProviderArn", one.arn): one for one in account.identity_providers},
        }

    @property
    def found(self) -> Found:
        """The account as export would find it; each policy has five versions."""
        those = self.entries.values()
        account = Account(
            account=ACCOUNT,
            identity_providers=[one for one in those if isinstance(one, IdentityProvider)],
            policies=[one for one in those if isinstance(one, Policy)],
            users=[one for one in those if isinstance(one, User)],
            roles=[one for one in those if isinstance(one, Role)],
        )
        return Found(account, {policy.arn: FIVE_VERSIONS for policy in account.policies})

    def check_trust(self, document: str) -> None:
        """IAM refuses a trust policy that names a role which is not there."""
        for name in re.findall(f"{ARN}:role/([a-z]+)", document):
            assert ("RoleName", name) in self.entries

    def make(self, change: Change) -> None:
        """Carry out one call."""
        members: dict[str, Any] = dict(change.members)
        self.check_trust(members.get(TRUST_MEMBERS.get(change.action, ""), ""))
        if change.action in CREATED:
            key, created = CREATED[change.action](members)
            assert key not in self.entries
            self.entries[key] = replaced(created, tags=tags_of(members["Tags"] or []))
            return
        [key] = [
            (name, members[name]) for name in NAMES if name in members and (name, members[name]) in self.entries
        ][:1]
        if change.action == "DeleteOpenIDConnectProvider":
            del self.entries[key]
            return
        if change.action.startswith("Attach"):
            assert members["PolicyArn"] == READ_ONLY or ("PolicyArn", members["PolicyArn"]) in self.entries
        action = change.action
        for kind in ("User", "Role", "OpenIDConnectProvider"):
            action = action.replace(kind, "")
        self.entries[key] = replaced(self.entries[key], **CHANGED[action](self.entries[key], members))


#: The member with a trust policy, by action.
TRUST_MEMBERS = {"CreateRole": "AssumeRolePolicyDocument", "UpdateAssumeRolePolicy": "PolicyDocument"}
NAMES = ("UserName", "RoleName", "PolicyArn", "OpenIDConnectProviderArn")
replaced: Callable[..., Any] = msgspec.structs.replace


def tags_of(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The tags of a request."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def without(those: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """A mapping without keys, which have to be there."""
    assert set(keys) <= those.keys()
    return {key: value for key, value in those.items() if key not in keys}


def less(those: Sequence[str], one: str) -> list[str]:
    """A list without an element, which has to be there."""
    assert one in those
    return [each for each in those if each != one]


def drop_version(_: Any, members: Mapping[str, Any]) -> dict[str, Any]:
    """The oldest of FIVE_VERSIONS that does not decide makes room; a document does not tell."""
    assert members["VersionId"] == "v2"
    return {}


def update(_: Any, members: Mapping[str, Any]) -> dict[str, Any]:
    """UpdateUser, UpdateRole."""
    if "NewPath" in members:
        return {"path": members["NewPath"]}
    return {"description": members["Description"], "max_session_duration": members["MaxSessionDuration"]}


#: What each action that creates makes: where it is found, and what it is.
CREATED: dict[str, Callable[[Mapping[str, Any]], tuple[tuple[str, str], Entry]]] = {
    "CreateUser": lambda m: (
        ("UserName", m["UserName"]),
        User(name=m["UserName"], path=m["Path"], permissions_boundary=m["PermissionsBoundary"]),
    ),
    "CreateRole": lambda m: (
        ("RoleName", m["RoleName"]),
        Role(
            name=m["RoleName"],
            path=m["Path"],
            permissions_boundary=m["PermissionsBoundary"],
            trust_policy=raw(m["AssumeRolePolicyDocument"]),
            description=m["Description"] or "",
            max_session_duration=m["MaxSessionDuration"],
        ),
    ),
    "CreatePolicy": lambda m: (
        ("PolicyArn", f"{ARN}:policy{m['Path']}{m['PolicyName']}"),
        Policy(
            arn=f"{ARN}:policy{m['Path']}{m['PolicyName']}",
            document=raw(m["PolicyDocument"]),
            description=m["Description"] or "",
        ),
    ),
    "CreateOpenIDConnectProvider": lambda m: (
        ("OpenIDConnectProviderArn", f"{ARN}:oidc-provider/{m['Url'].removeprefix('https://')}"),
        IdentityProvider(
            arn=f"{ARN}:oidc-provider/{m['Url'].removeprefix('https://')}",
            client_ids=list(m["ClientIDList"]),
            thumbprints=list(m["ThumbprintList"] or []),
            json_web_key_set=m["JsonWebKeySet"],
        ),
    ),
}
#: What each other action changes, without the word for what it is about.
CHANGED: dict[str, Callable[[Any, Mapping[str, Any]], dict[str, Any]]] = {
    "Update": update,
    "UpdateAssumePolicy": lambda _, m: {"trust_policy": raw(m["PolicyDocument"])},
    "PutPermissionsBoundary": lambda _, m: {"permissions_boundary": m["PermissionsBoundary"]},
    "DeletePermissionsBoundary": lambda _, _m: {"permissions_boundary": None},
    "PutPolicy": lambda one, m: {
        "inline_policies": {**one.inline_policies, m["PolicyName"]: raw(m["PolicyDocument"])}
    },
    "DeletePolicy": lambda one, m: {"inline_policies": without(one.inline_policies, [m["PolicyName"]])},
    "AttachPolicy": lambda one, m: {"attached_policies": [*one.attached_policies, m["PolicyArn"]]},
    "DetachPolicy": lambda one, m: {"attached_policies": less(one.attached_policies, m["PolicyArn"])},
    "DeletePolicyVersion": drop_version,
    "CreatePolicyVersion": lambda _, m: {"document": raw(m["PolicyDocument"])},
    "AddClientIDTo": lambda one, m: {"client_ids": [*one.client_ids, m["ClientID"]]},
    "RemoveClientIDFrom": lambda one, m: {"client_ids": less(one.client_ids, m["ClientID"])},
    "UpdateThumbprint": lambda _, m: {"thumbprints": list(m["ThumbprintList"])},
    "Tag": lambda one, m: {"tags": {**one.tags, **tags_of(m["Tags"])}},
    "Untag": lambda one, m: {"tags": without(one.tags, m["TagKeys"])},
    "TagPolicy": lambda one, m: {"tags": {**one.tags, **tags_of(m["Tags"])}},
    "UntagPolicy": lambda one, m: {"tags": without(one.tags, m["TagKeys"])},
}

FIVE_VERSIONS = [
    PolicyVersion(version_id=f"v{number}", is_default_version=number == 1, create_date="2026-01-01T00:00:00Z")
    for number in (10, 3, 2, 4, 1)
]

DOCUMENTS = st.sampled_from(['{"Statement":[]}', '{"Statement":[{}]}', '{"Version":"2012-10-17"}']).map(raw)
TRUSTS = st.sampled_from(
    ['{"Statement":[]}', *(f'{{"Principal":{{"AWS":"{ARN}:role/{name}"}}}}' for name in ("ci", "deployer"))]
).map(raw)
TAGS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy"), max_size=3)
POLICY_ARNS = [f"{ARN}:policy/{name}" for name in ("one", "teams/two", "a/b/three")]
ATTACHED = st.lists(st.sampled_from([READ_ONLY, POLICY_ARNS[0]]), unique=True)
PRINCIPAL: dict[str, Any] = {
    "permissions_boundary": st.sampled_from([None, READ_ONLY, POLICY_ARNS[0]]),
    "tags": TAGS,
    "inline_policies": st.dictionaries(st.sampled_from("pq"), DOCUMENTS),
    "attached_policies": ATTACHED,
}
USERS = st.builds(
    User, name=st.sampled_from(["alice", "bob"]), path=st.sampled_from(["/", "/teams/"]), **PRINCIPAL
)
ROLES = st.builds(
    Role,
    name=st.sampled_from(["ci", "deployer"]),
    trust_policy=TRUSTS,
    description=st.sampled_from(["", "what it is for"]),
    max_session_duration=st.sampled_from([3600, 7200]),
    **PRINCIPAL,
)
POLICIES = st.builds(Policy, arn=st.sampled_from(POLICY_ARNS[1:]), document=DOCUMENTS, tags=TAGS)
PROVIDERS = st.builds(
    IdentityProvider,
    arn=st.sampled_from([f"{ARN}:oidc-provider/issuer.example", f"{ARN}:oidc-provider/issuer.example/two"]),
    client_ids=st.lists(st.sampled_from(["one", "two"]), unique=True),
    thumbprints=st.lists(st.sampled_from(["a" * 40, "b" * 40]), unique=True).map(sorted),
    json_web_key_set=st.sampled_from([None, '{"keys":[]}']),
    tags=TAGS,
)


def all_trusted_are_there(roles: Sequence[Role]) -> bool:
    """True when the trust policies name only these roles."""
    named = {
        name for role in roles for name in re.findall(f"{ARN}:role/([a-z]+)", bytes(role.trust_policy).decode())
    }
    return named <= {role.name for role in roles}


ALWAYS_THERE = Policy(arn=POLICY_ARNS[0], document=raw('{"Statement":[]}'))
ACCOUNTS = st.builds(
    Account,
    account=st.just(ACCOUNT),
    identity_providers=st.lists(PROVIDERS, unique_by=lambda one: one.arn),
    policies=st.lists(POLICIES, unique_by=lambda one: one.arn).map(lambda others: [ALWAYS_THERE, *others]),
    users=st.lists(USERS, unique_by=lambda one: one.name),
    roles=st.lists(ROLES, unique_by=lambda one: one.name).filter(all_trusted_are_there),
)
EMPTY = Account(account=ACCOUNT)


@given(here=ACCOUNTS, wanted=ACCOUNTS)
def test_an_import_makes_all_that_the_document_says_and_once_more_does_nothing(
    here: Account, wanted: Account
) -> None:
    """From any account to any document; every call finds what it needs."""
    model = AccountModel(here)

    for change in changes(model.found, wanted):
        model.make(change)

    assert changes(model.found, wanted) == []


@given(wanted=ACCOUNTS)
def test_what_is_exported_is_imported_somewhere_else(wanted: Account) -> None:
    """Through the document, into an empty account."""
    model = AccountModel(EMPTY)

    for change in changes(model.found, read_document(msgspec.json.encode(wanted).decode())):
        model.make(change)

    assert changes(model.found, wanted) == []
    assert changes(AccountModel(wanted).found, model.found.account) == []


@given(here=ACCOUNTS)
def test_what_a_document_does_not_name_stays(here: Account) -> None:
    """An empty document changes nothing."""
    assert changes(AccountModel(here).found, EMPTY) == []


def test_a_document_written_in_another_way_is_the_same() -> None:
    """White space and the order of members do not count."""
    here = Account(account=ACCOUNT, policies=[Policy(arn=POLICY_ARNS[0], document=raw('{"a":1,"b":[2]}'))])
    wanted = Account(account=ACCOUNT, policies=[Policy(arn=POLICY_ARNS[0], document=raw('{"b": [2],\n "a": 1}'))])

    assert changes(AccountModel(here).found, wanted) == []


def test_a_member_that_is_there_twice_is_left_for_iam_to_refuse() -> None:
    """It is sent as it was given, without the white space."""
    document = raw('{ "Statement": [],\n "Statement": [] }')
    wanted = Account(account=ACCOUNT, policies=[Policy(arn=POLICY_ARNS[0], document=document)])

    [change] = changes(AccountModel(EMPTY).found, wanted)

    assert change.members["PolicyDocument"] == '{"Statement":[],"Statement":[]}'


def test_roles_that_trust_each_other_are_made_before_they_do() -> None:
    """Each trusts nobody until the other is there."""
    wanted = Account(
        account=ACCOUNT,
        roles=[
            Role(name=name, trust_policy=raw(f'{{"Principal":{{"AWS":"{ARN}:role/{other}"}}}}'))
            for name, other in (("ci", "deployer"), ("deployer", "ci"))
        ],
    )

    planned = changes(AccountModel(EMPTY).found, wanted)

    assert [change.action for change in planned] == ["CreateRole", "CreateRole", "UpdateAssumeRolePolicy"]


def test_what_cannot_be_changed_is_named() -> None:
    """Before anything is changed."""
    role = Role(name="ci", trust_policy=raw("{}"))
    here = AccountModel(Account(account=ACCOUNT, roles=[role], policies=[ALWAYS_THERE])).found

    with pytest.raises(CannotImport, match="the path of the role ci differs"):
        changes(here, Account(account=ACCOUNT, roles=[msgspec.structs.replace(role, path="/teams/")]))
    with pytest.raises(CannotImport, match="the description of the policy one differs"):
        changes(
            here, Account(account=ACCOUNT, policies=[msgspec.structs.replace(ALWAYS_THERE, description="Another")])
        )


def test_a_document_of_another_account_is_refused() -> None:
    """Its ARNs would name what is not there."""
    with pytest.raises(
        CannotImport, match="the document is of the account 111111111111, and you are in 000000000000"
    ):
        changes(AccountModel(EMPTY).found, Account(account="111111111111"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Input data was truncated"),
        ("[]", "Expected `object`, got `array`"),
        ('{"Account": "000000000000", "Groups": []}', "unknown field `Groups`"),
        (
            '{"Account": "000000000000", "Roles": [{"Name": "ci"}]}',
            r"missing required field `TrustPolicy`.*Roles\[0\]",
        ),
        ('{"Account": "000000000000", "Users": [{"Name": "a"}, {"Name": "a"}]}', "it has a twice"),
        (
            '{"Account": "000000000000", "Policies": [{"Arn": "arn:aws:iam::aws:policy/x", "Document": {}}]}',
            "arn:aws:iam::aws:policy/x is not of the account 000000000000",
        ),
    ],
)
def test_a_document_that_cannot_be_read_is_refused_with_the_place(text: str, reason: str) -> None:
    """In one line."""
    with pytest.raises(Misused, match=f"^the document cannot be imported: .*{reason}"):
        read_document(text)
