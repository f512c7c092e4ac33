"""The quotas of a registry (Amazon ECR user guide, "Service quotas")."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """``rates`` are calls a second by operation; what is not in it, and None, has no limit."""

    rates: Mapping[str, int] = field(default_factory=dict[str, int])
    repositories: int | None = None
    images_per_repository: int | None = None


OFF = Quotas()

#: What an account has in a region until it asks for more. Rates of the other operations are not published.
ECR = Quotas(
    rates={
        "BatchCheckLayerAvailability": 1_000,
        "BatchGetImage": 2_000,
        "CompleteLayerUpload": 100,
        "GetAuthorizationToken": 500,
        "GetDownloadUrlForLayer": 3_000,
        "InitiateLayerUpload": 100,
        "PutImage": 10,
        "UploadLayerPart": 500,
    },
    repositories=100_000,
    images_per_repository=100_000,
)

#: By the value of the setting ``quotas``.
QUOTAS = {"off": OFF, "ecr": ECR}
