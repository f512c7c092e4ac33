"""Every error has a sentence, and a place in the tree by which the fronts translate it."""

import dataclasses
import importlib
import pkgutil

import pytest

import entrepot
from entrepot.core import errors
from entrepot.core.errors import EntrepotError
from entrepot.fronts.ecr.errors import error_answer as ecr_answer
from entrepot.fronts.oci.errors import error_answer as oci_answer
from entrepot.fronts.oci.profile import ECR, OCI, Profile

KINDS = {
    errors.Invalid,
    errors.NotFound,
    errors.Conflict,
    errors.Denied,
    errors.LimitReached,
    errors.Unavailable,
}
#: Raised on ``/v2/``, for download URLs or by commands alone, or turned into a failure of a batch: the API never
#: answers these.
NOT_OF_THE_API = {
    "features.images.errors.ChildrenGone",
    "features.images.errors.ImageNotDeleted",
    "features.images.errors.ImageReferencedByManifestList",
    "features.images.errors.LayersGone",
    "features.images.errors.TagWasNothingElse",
    "features.layers.errors.LayerInUse",
    "features.repositories.errors.RepositoryNotDeleted",
    "fronts.oci.authentication.NotAuthenticated",
    "fronts.oci.authentication.WrongRegion",
    "protocol.tokens.InvalidToken",
    "protocol.tokens.TokenExpired",
}
#: What IAM and STS answer, which have a table of their own (fronts/query.py), and what the command line says.
OF_OTHERS = ("features.identity.assuming.", "features.auditor.", "features.backup.", "cli.", "client.")
#: What a value of a field looks like; anything that prints will do.
SAMPLE = {"int": 7, "Sequence[Violation]": ()}


def all_errors() -> list[type[EntrepotError]]:
    """Every class of the package that has something to say."""
    for module in pkgutil.walk_packages(entrepot.__path__, "entrepot."):
        if not module.name.endswith(("__main__", "migrations.env")) and ".versions" not in module.name:
            importlib.import_module(module.name)
    found, left = set[type[EntrepotError]](), [EntrepotError]
    while left:
        kind = left.pop()
        found.add(kind)
        left += kind.__subclasses__()
    said = (kind for kind in found if hasattr(kind, "template") or kind.message is not EntrepotError.message)
    return sorted(said, key=name)


def name(kind: type[EntrepotError]) -> str:
    """Where it stands; two features may use one name."""
    return f"{kind.__module__.removeprefix('entrepot.')}.{kind.__qualname__}"


def make(kind: type[EntrepotError]) -> EntrepotError:
    """An error with something in each field."""
    fields = dataclasses.fields(kind)
    return kind(*(SAMPLE.get(str(field.type), field.name) for field in fields))


@pytest.mark.parametrize("kind", all_errors(), ids=name)
def test_an_error_says_what_was_wrong(kind: type[EntrepotError]) -> None:
    """In one line, without a placeholder that was not filled."""
    message = make(kind).message

    assert message
    assert "\n" not in message
    assert "{" not in message.replace("{imageDigest:", "")
    assert str(make(kind)) == message


def is_of_iam(kind: type[EntrepotError]) -> bool:
    """True for an error that brings IAM's code along."""
    return kind.__module__.startswith("entrepot.features.identity.") and hasattr(kind, "code")


CLIENT_ERRORS = [kind for kind in all_errors() if issubclass(kind, tuple(KINDS)) and not is_of_iam(kind)]


@pytest.mark.parametrize(
    "kind",
    [kind for kind in CLIENT_ERRORS if name(kind) not in NOT_OF_THE_API and not name(kind).startswith(OF_OTHERS)],
    ids=name,
)
def test_the_api_has_an_answer_for_every_error(kind: type[EntrepotError]) -> None:
    """Only what may be repeated is told as a fault of the server's; KmsException has a status of its own."""
    status = ecr_answer(make(kind)).status

    assert status in ({400, 503} if issubclass(kind, errors.Unavailable) else {400, 413})


@pytest.mark.parametrize("profile", [OCI, ECR], ids=["oci", "ecr"])
@pytest.mark.parametrize("kind", CLIENT_ERRORS, ids=name)
def test_v2_has_an_answer_for_every_error(kind: type[EntrepotError], profile: Profile) -> None:
    """Only what may be repeated is told as a fault of the server's."""
    status = oci_answer(make(kind), profile).status

    assert (status == 503) == issubclass(kind, errors.Unavailable)
    assert status == 503 or 400 <= status < 500
