"""What ``/v2/`` does where the OCI distribution specification and Amazon ECR do not agree.

Handlers ask for a field of the profile they are called with; none asks which profile that is. Sources for ECR:
its user guide, and answers of the service that its users have recorded; docs/howto/profile-ecr.md says which.
"""

from dataclasses import dataclass

from entrepot.core.digest import ALGORITHMS
from entrepot.operations.images import Repeat


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One way to answer ``/v2/``."""

    #: How blobs and images may be identified.
    algorithms: tuple[str, ...]
    #: Digests and tags follow OCI's grammar; else ECR's, which is wider.
    oci_grammar: bool
    #: Status and code for a parameter that is wrong in itself; None: by the parameter.
    invalid_parameter: tuple[int, str] | None
    #: An upload may be completed when it is empty, or was sent in chunks under 5 MiB.
    any_size: bool
    #: A POST with a digest may bring the whole blob; else it only begins an upload.
    completes_posts: bool
    #: Mount as ECR: by account setting, and only blobs that an image uses.
    mounts_as_ecr: bool
    #: The same image under the same tag again.
    repeat: Repeat
    #: An index keeps its children, and the last tag that is deleted takes its image along.
    strict_deletion: bool
    #: DELETE of a blob is offered.
    deletes_blobs: bool
    #: GET of a blob is answered with the URL to fetch it from.
    redirects_blobs: bool
    #: Location and Link carry the host.
    absolute_urls: bool
    #: The ``last`` of a Link is a signed token, and no other is understood; else it is a tag, or a number.
    signed_pages: bool
    #: The smallest ``n`` of tags/list, and what it is called where it is wrong.
    min_page: int
    page_parameter: str
    #: The Content-Type of tags/list.
    tags_content_type: str


OCI = Profile(
    algorithms=ALGORITHMS,
    oci_grammar=True,
    invalid_parameter=None,
    any_size=True,
    completes_posts=True,
    mounts_as_ecr=False,
    repeat="accepted",
    strict_deletion=False,
    deletes_blobs=True,
    redirects_blobs=False,
    absolute_urls=False,
    signed_pages=False,
    min_page=0,
    page_parameter="n",
    tags_content_type="application/json",
)

ECR = Profile(
    algorithms=("sha256",),
    oci_grammar=False,
    invalid_parameter=(405, "UNSUPPORTED"),
    any_size=False,
    completes_posts=False,
    mounts_as_ecr=True,
    repeat="refused if immutable",
    strict_deletion=True,
    deletes_blobs=False,
    redirects_blobs=True,
    absolute_urls=True,
    signed_pages=True,
    min_page=1,
    page_parameter="maxResults",
    tags_content_type="text/plain; charset=utf-8",
)

#: By the value of the setting ``profile``.
PROFILES = {"oci": OCI, "ecr": ECR}
