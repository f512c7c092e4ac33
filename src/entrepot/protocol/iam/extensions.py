"""What IAM is asked here beyond its service model: accounts, explanations, and the keys of an identity provider.

AWS has accounts made by another service, explains less, and always fetches an issuer's keys.
"""

from typing import Annotated

import msgspec

from entrepot.protocol.iam import shapes

Account = Annotated[str, msgspec.Meta(pattern=r"\A(?a:[0-9]{12})\Z")]


class CreateOpenIDConnectProviderRequest(
    shapes.CreateOpenIDConnectProviderRequest, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    """``JsonWebKeySet`` is the provider's JSON Web Key Set (RFC 7517), where nothing can be fetched from it."""

    json_web_key_set: Annotated[str, msgspec.Meta(min_length=2, max_length=65_536)] | None = None


class CreateAccountRequest(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The number of an account that is to be."""

    account: Account


class DeleteAccountRequest(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The number of an account."""

    account: Account


class ListAccountsRequest(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A page of accounts."""

    marker: shapes.markerType | None = None
    max_items: shapes.maxItemsType | None = None


class ContextEntry(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A condition key of a request, and its values."""

    key: Annotated[str, msgspec.Meta(min_length=5, max_length=256)]
    values: Annotated[
        list[Annotated[str, msgspec.Meta(max_length=2048)]], msgspec.Meta(min_length=1, max_length=100)
    ]


class ExplainDecisionRequest(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A request that somebody might make; ``context`` is what the registry would not find by itself."""

    principal_arn: Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
    action_name: Annotated[str, msgspec.Meta(min_length=3, max_length=128)]
    resource_arn: Annotated[str, msgspec.Meta(min_length=1, max_length=2048)] = "*"
    context: Annotated[list[ContextEntry], msgspec.Meta(max_length=100)] | None = None


#: By the name that Action gives; they come before those of the model.
INPUTS: dict[str, type[msgspec.Struct]] = {
    "CreateAccount": CreateAccountRequest,
    "CreateOpenIDConnectProvider": CreateOpenIDConnectProviderRequest,
    "DeleteAccount": DeleteAccountRequest,
    "ExplainDecision": ExplainDecisionRequest,
    "ListAccounts": ListAccountsRequest,
}
