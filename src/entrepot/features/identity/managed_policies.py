"""The managed policies of AWS that are known here: the registry's four, and those of administrators.

Their documents are those of the AWS managed policy reference guide. Where one speaks of services that are not here
it says nothing about those that are, and stays as it is.
"""

import hashlib
import json
import re
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.core.clock import SECOND
from entrepot.features.identity.rows import ManagedPolicyRow

_ARN = re.compile(r"arn:aws[a-z-]*:iam::aws:policy/(?P<name>[A-Za-z0-9]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class AWSManagedPolicy:
    """One of AWS's policies in its default version; ``document`` is JSON, times are in microseconds."""

    name: str
    description: str
    version: int
    created_at: int
    updated_at: int
    document: str

    @property
    def id(self) -> str:
        """ANPA… made from the name: the same in every registry, and not AWS's own."""
        return f"ANPA{b32encode(hashlib.sha256(self.name.encode()).digest()).decode()[:17]}"

    def row(self, partition: str) -> ManagedPolicyRow:
        """The policy as if it were stored: ``arn:P:iam::aws:policy/NAME``, of the account ``aws``."""
        return ManagedPolicyRow(
            arn=f"arn:{partition}:iam::aws:policy/{self.name}",
            id=self.id,
            account="aws",
            path="/",
            name=self.name,
            description=self.description,
            created_at=self.created_at,
            updated_at=self.updated_at,
            default_version=self.version,
            latest_version=self.version,
        )


def find_aws_policy(arn: str) -> AWSManagedPolicy | None:
    """The policy of AWS that an ARN of any partition names; None for every other ARN."""
    found = _ARN.fullmatch(arn)
    return AWS_MANAGED_POLICIES.get(found["name"]) if found is not None else None


def _allow(actions: Sequence[str] | str, condition: object = None) -> dict[str, object]:
    statement: dict[str, object] = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return statement if condition is None else {**statement, "Condition": condition}


def _document(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


_READ = [
    "ecr:GetAuthorizationToken",
    "ecr:BatchCheckLayerAvailability",
    "ecr:GetDownloadUrlForLayer",
    "ecr:GetRepositoryPolicy",
    "ecr:DescribeRepositories",
    "ecr:ListImages",
    "ecr:DescribeImages",
    "ecr:BatchGetImage",
    "ecr:GetLifecyclePolicy",
    "ecr:GetLifecyclePolicyPreview",
    "ecr:ListTagsForResource",
    "ecr:DescribeImageScanFindings",
]
_PUSH = ["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"]
_PULL = [
    "ecr:GetAuthorizationToken",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchImportUpstreamImage",
]
_ORGANIZATIONS = [
    "organizations:DescribeAccount",
    "organizations:DescribeOrganization",
    "organizations:DescribeOrganizationalUnit",
    "organizations:DescribePolicy",
    "organizations:ListChildren",
    "organizations:ListParents",
    "organizations:ListPoliciesForTarget",
    "organizations:ListRoots",
    "organizations:ListPolicies",
    "organizations:ListTargetsForPolicy",
]
_IAM_READ = [
    "iam:GenerateCredentialReport",
    "iam:GenerateServiceLastAccessedDetails",
    "iam:Get*",
    "iam:List*",
    "iam:SimulateCustomPolicy",
    "iam:SimulatePrincipalPolicy",
]
_FOR_REPLICATION = {"StringEquals": {"iam:AWSServiceName": ["replication.ecr.amazonaws.com"]}}

#: By name, in byte order.
AWS_MANAGED_POLICIES = {
    policy.name: policy
    for policy in (
        AWSManagedPolicy(
            name="AdministratorAccess",
            description="Provides full access to AWS services and resources.",
            version=1,
            created_at=1_423_247_986 * SECOND,
            updated_at=1_423_247_986 * SECOND,
            document=_document(_allow("*")),
        ),
        AWSManagedPolicy(
            name="AmazonEC2ContainerRegistryFullAccess",
            description="Provides administrative access to Amazon ECR resources",
            version=3,
            created_at=1_450_717_608 * SECOND,
            updated_at=1_607_126_659 * SECOND,
            document=_document(
                _allow(["ecr:*", "cloudtrail:LookupEvents"]),
                _allow(["iam:CreateServiceLinkedRole"], _FOR_REPLICATION),
            ),
        ),
        AWSManagedPolicy(
            name="AmazonEC2ContainerRegistryPowerUser",
            description=(
                "Provides full access to Amazon EC2 Container Registry repositories, but does not allow "
                "repository deletion or policy changes."
            ),
            version=3,
            created_at=1_450_717_533 * SECOND,
            updated_at=1_576_010_888 * SECOND,
            document=_document(_allow([*_READ, *_PUSH])),
        ),
        AWSManagedPolicy(
            name="AmazonEC2ContainerRegistryPullOnly",
            description="Provides access to pull images from Amazon EC2 Container Registry repositories.",
            version=1,
            created_at=1_728_061_129 * SECOND,
            updated_at=1_728_061_129 * SECOND,
            document=_document(_allow(_PULL)),
        ),
        AWSManagedPolicy(
            name="AmazonEC2ContainerRegistryReadOnly",
            description="Provides read-only access to Amazon EC2 Container Registry repositories.",
            version=3,
            created_at=1_450_717_455 * SECOND,
            updated_at=1_576_011_392 * SECOND,
            document=_document(_allow(_READ)),
        ),
        AWSManagedPolicy(
            name="IAMFullAccess",
            description="Provides full access to IAM via the AWS Management Console.",
            version=2,
            created_at=1_423_248_038 * SECOND,
            updated_at=1_561_146_000 * SECOND,
            document=_document(_allow(["iam:*", *_ORGANIZATIONS])),
        ),
        AWSManagedPolicy(
            name="IAMReadOnlyAccess",
            description="Provides read only access to IAM via the AWS Management Console.",
            version=4,
            created_at=1_423_248_039 * SECOND,
            updated_at=1_516_907_487 * SECOND,
            document=_document(_allow(_IAM_READ)),
        ),
    )
}
