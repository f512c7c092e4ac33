"""All of IAM that is built, as one front."""

from entrepot.fronts.iam import (
    absences,
    access_keys,
    accounts,
    attachments,
    authorization_details,
    inline_policies,
    oidc_providers,
    policies,
    roles,
    simulation,
    tags,
    users,
)
from entrepot.fronts.query import API, Handler, QueryFront
from entrepot.operations.services import Services
from entrepot.protocol.iam import extensions, shapes

#: The actions that are built, by name.
HANDLERS: dict[str, Handler] = {
    **users.HANDLERS,
    **roles.HANDLERS,
    **access_keys.HANDLERS,
    **inline_policies.HANDLERS,
    **policies.HANDLERS,
    **attachments.HANDLERS,
    **tags.HANDLERS,
    **oidc_providers.HANDLERS,
    **authorization_details.HANDLERS,
    **accounts.HANDLERS,
    **simulation.HANDLERS,
    **absences.HANDLERS,
}

IAM = API(
    service="iam",
    version="2010-05-08",
    namespace="https://iam.amazonaws.com/doc/2010-05-08/",
    inputs={**shapes.INPUTS, **extensions.INPUTS},
    handlers=HANDLERS,
    needs_mfa=True,
)


def iam_front(services: Services) -> QueryFront:
    """The front of IAM."""
    return QueryFront(services, IAM)
