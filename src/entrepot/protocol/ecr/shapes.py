"""The ECR API 2015-09-21 as types: 62 operations with all that goes in and comes out.

Written by scripts/generate-shapes from botocore's service model; change the script, not this file.
A shape has the model's name, a member the model's name in snake_case; a member that is absent is
None. Times are seconds since the epoch, blobs are bytes.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec

from entrepot.protocol.ecr.operation import Operation

RegistryId = Annotated[str, msgspec.Meta(pattern=r"\A(?a:[0-9]{12})\Z")]
RepositoryName = Annotated[
    str,
    msgspec.Meta(
        min_length=2,
        max_length=256,
        pattern=r"\A(?a:[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*)\Z",
    ),
]
BatchedOperationLayerDigest = Annotated[str, msgspec.Meta(max_length=1000)]
BatchedOperationLayerDigestList = Annotated[
    Sequence[BatchedOperationLayerDigest], msgspec.Meta(min_length=1, max_length=100)
]


class BatchCheckLayerAvailabilityRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    layer_digests: BatchedOperationLayerDigestList


LayerDigest = Annotated[str, msgspec.Meta(pattern=r"\A(?a:[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+)\Z")]
LayerAvailability = Literal["AVAILABLE", "UNAVAILABLE", "ARCHIVED"]
LayerSizeInBytes = Annotated[int, msgspec.Meta(ge=-9223372036854775808, le=9223372036854775807)]


class Layer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    layer_digest: LayerDigest | None = None
    layer_availability: LayerAvailability | None = None
    layer_size: LayerSizeInBytes | None = None
    media_type: str | None = None


LayerFailureCode = Literal["InvalidLayerDigest", "MissingLayerDigest"]


class LayerFailure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    layer_digest: BatchedOperationLayerDigest | None = None
    failure_code: LayerFailureCode | None = None
    failure_reason: str | None = None


class BatchCheckLayerAvailabilityResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    layers: Sequence[Layer] | None = None
    failures: Sequence[LayerFailure] | None = None


ImageTag = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class ImageIdentifier(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    image_digest: str | None = None
    image_tag: ImageTag | None = None


ImageIdentifierList = Annotated[Sequence[ImageIdentifier], msgspec.Meta(min_length=1, max_length=100)]


class BatchDeleteImageRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    image_ids: ImageIdentifierList


ImageFailureCode = Literal[
    "InvalidImageDigest",
    "InvalidImageTag",
    "ImageTagDoesNotMatchDigest",
    "ImageNotFound",
    "MissingDigestAndTag",
    "ImageReferencedByManifestList",
    "KmsError",
    "UpstreamAccessDenied",
    "UpstreamTooManyRequests",
    "UpstreamUnavailable",
    "ImageInaccessible",
]


class ImageFailure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    image_id: ImageIdentifier | None = None
    failure_code: ImageFailureCode | None = None
    failure_reason: str | None = None


class BatchDeleteImageResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    image_ids: ImageIdentifierList | None = None
    failures: Sequence[ImageFailure] | None = None


MediaTypeList = Annotated[Sequence[str], msgspec.Meta(min_length=1, max_length=100)]


class BatchGetImageRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    image_ids: ImageIdentifierList
    accepted_media_types: MediaTypeList | None = None


ImageManifest = Annotated[str, msgspec.Meta(min_length=1, max_length=4194304)]


class Image(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName | None = None
    image_id: ImageIdentifier | None = None
    image_manifest: ImageManifest | None = None
    image_manifest_media_type: str | None = None


class BatchGetImageResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    images: Sequence[Image] | None = None
    failures: Sequence[ImageFailure] | None = None


ScanningConfigurationRepositoryNameList = Annotated[
    Sequence[RepositoryName], msgspec.Meta(min_length=1, max_length=25)
]


class BatchGetRepositoryScanningConfigurationRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    repository_names: ScanningConfigurationRepositoryNameList


ScanFrequency = Literal["SCAN_ON_PUSH", "CONTINUOUS_SCAN", "MANUAL"]
ScanningRepositoryFilterValue = Annotated[
    str, msgspec.Meta(min_length=1, max_length=255, pattern=r"\A(?a:^[a-z0-9*]+(?:[._\-/][a-z0-9*]+)*$)\Z")
]
ScanningRepositoryFilterType = Literal["WILDCARD"]


class ScanningRepositoryFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    filter: ScanningRepositoryFilterValue
    filter_type: ScanningRepositoryFilterType


ScanningRepositoryFilterList = Annotated[Sequence[ScanningRepositoryFilter], msgspec.Meta(max_length=100)]


class RepositoryScanningConfiguration(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    repository_arn: str | None = None
    repository_name: RepositoryName | None = None
    scan_on_push: bool | None = None
    scan_frequency: ScanFrequency | None = None
    applied_scan_filters: ScanningRepositoryFilterList | None = None


ScanningConfigurationFailureCode = Literal["REPOSITORY_NOT_FOUND"]


class RepositoryScanningConfigurationFailure(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    repository_name: RepositoryName | None = None
    failure_code: ScanningConfigurationFailureCode | None = None
    failure_reason: str | None = None


class BatchGetRepositoryScanningConfigurationResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    scanning_configurations: Sequence[RepositoryScanningConfiguration] | None = None
    failures: Sequence[RepositoryScanningConfigurationFailure] | None = None


UploadId = Annotated[
    str,
    msgspec.Meta(pattern=r"\A(?a:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})\Z"),
]
LayerDigestList = Annotated[Sequence[LayerDigest], msgspec.Meta(min_length=1, max_length=100)]


class CompleteLayerUploadRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    upload_id: UploadId
    layer_digests: LayerDigestList


class CompleteLayerUploadResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName | None = None
    upload_id: UploadId | None = None
    layer_digest: LayerDigest | None = None


PullThroughCacheRuleRepositoryPrefix = Annotated[
    str,
    msgspec.Meta(
        min_length=2,
        max_length=30,
        pattern=r"\A(?a:^([a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*/?|ROOT)$)\Z",
    ),
]
UpstreamRegistry = Literal[
    "ecr",
    "ecr-public",
    "quay",
    "k8s",
    "docker-hub",
    "github-container-registry",
    "azure-container-registry",
    "gitlab-container-registry",
    "chainguard",
]
CredentialArn = Annotated[
    str,
    msgspec.Meta(
        min_length=50,
        max_length=612,
        pattern=r"\A(?a:^arn:aws(-\w+)*:secretsmanager:[a-zA-Z0-9-:]+:secret:ecr\-pullthroughcache/[a-zA-Z0-9/_+=.@-]+$)\Z",
    ),
]
CustomRoleArn = Annotated[str, msgspec.Meta(max_length=2048)]


class CreatePullThroughCacheRuleRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    ecr_repository_prefix: PullThroughCacheRuleRepositoryPrefix
    upstream_registry_url: str
    registry_id: RegistryId | None = None
    upstream_registry: UpstreamRegistry | None = None
    credential_arn: CredentialArn | None = None
    custom_role_arn: CustomRoleArn | None = None
    upstream_repository_prefix: PullThroughCacheRuleRepositoryPrefix | None = None


class CreatePullThroughCacheRuleResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    ecr_repository_prefix: PullThroughCacheRuleRepositoryPrefix | None = None
    upstream_registry_url: str | None = None
    created_at: float | None = None
    registry_id: RegistryId | None = None
    upstream_registry: UpstreamRegistry | None = None
    credential_arn: CredentialArn | None = None
    custom_role_arn: CustomRoleArn | None = None
    upstream_repository_prefix: PullThroughCacheRuleRepositoryPrefix | None = None


Prefix = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=256,
        pattern=r"\A(?a:^([a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*/?|ROOT)$)\Z",
    ),
]
RepositoryTemplateDescription = Annotated[str, msgspec.Meta(max_length=256)]
EncryptionType = Literal["AES256", "KMS", "KMS_DSSE"]
KmsKeyForRepositoryCreationTemplate = Annotated[
    str,
    msgspec.Meta(
        max_length=2048, pattern=r"\A(?a:^$|arn:aws[a-z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-z0-9-]+)\Z"
    ),
]


class EncryptionConfigurationForRepositoryCreationTemplate(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    encryption_type: EncryptionType
    kms_key: KmsKeyForRepositoryCreationTemplate | None = None


class Tag(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    key: str = msgspec.field(name="Key")
    value: str = msgspec.field(name="Value")


ImageTagMutability = Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]
ImageTagMutabilityExclusionFilterType = Literal["WILDCARD"]
ImageTagMutabilityExclusionFilterValue = Annotated[
    str, msgspec.Meta(min_length=1, max_length=128, pattern=r"\A(?a:^[0-9a-zA-Z._*-]{1,128}$)\Z")
]


class ImageTagMutabilityExclusionFilter(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    filter_type: ImageTagMutabilityExclusionFilterType
    filter: ImageTagMutabilityExclusionFilterValue


ImageTagMutabilityExclusionFilters = Annotated[
    Sequence[ImageTagMutabilityExclusionFilter], msgspec.Meta(min_length=1, max_length=5)
]
RepositoryPolicyText = Annotated[str, msgspec.Meta(max_length=10240)]
LifecyclePolicyTextForRepositoryCreationTemplate = Annotated[str, msgspec.Meta(max_length=30720)]
RCTAppliedFor = Literal["REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"]


class CreateRepositoryCreationTemplateRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    prefix: Prefix
    description: RepositoryTemplateDescription | None = None
    encryption_configuration: EncryptionConfigurationForRepositoryCreationTemplate | None = None
    resource_tags: Sequence[Tag] | None = None
    image_tag_mutability: ImageTagMutability | None = None
    image_tag_mutability_exclusion_filters: ImageTagMutabilityExclusionFilters | None = None
    repository_policy: RepositoryPolicyText | None = None
    lifecycle_policy: LifecyclePolicyTextForRepositoryCreationTemplate | None = None
    applied_for: Sequence[RCTAppliedFor]
    custom_role_arn: CustomRoleArn | None = None


class RepositoryCreationTemplate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    prefix: Prefix | None = None
    description: RepositoryTemplateDescription | None = None
    encryption_configuration: EncryptionConfigurationForRepositoryCreationTemplate | None = None
    resource_tags: Sequence[Tag] | None = None
    image_tag_mutability: ImageTagMutability | None = None
    image_tag_mutability_exclusion_filters: ImageTagMutabilityExclusionFilters | None = None
    repository_policy: RepositoryPolicyText | None = None
    lifecycle_policy: LifecyclePolicyTextForRepositoryCreationTemplate | None = None
    applied_for: Sequence[RCTAppliedFor] | None = None
    custom_role_arn: CustomRoleArn | None = None
    created_at: float | None = None
    updated_at: float | None = None


class CreateRepositoryCreationTemplateResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    repository_creation_template: RepositoryCreationTemplate | None = None


class ImageScanningConfiguration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    scan_on_push: bool | None = None


KmsKey = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]


class EncryptionConfiguration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    encryption_type: EncryptionType
    kms_key: KmsKey | None = None


class CreateRepositoryRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    tags: Sequence[Tag] | None = None
    image_tag_mutability: ImageTagMutability | None = None
    image_tag_mutability_exclusion_filters: ImageTagMutabilityExclusionFilters | None = None
    image_scanning_configuration: ImageScanningConfiguration | None = None
    encryption_configuration: EncryptionConfiguration | None = None


class Repository(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    repository_arn: str | None = None
    registry_id: RegistryId | None = None
    repository_name: RepositoryName | None = None
    repository_uri: str | None = None
    created_at: float | None = None
    image_tag_mutability: ImageTagMutability | None = None
    image_tag_mutability_exclusion_filters: ImageTagMutabilityExclusionFilters | None = None
    image_scanning_configuration: ImageScanningConfiguration | None = None
    encryption_configuration: EncryptionConfiguration | None = None


class CreateRepositoryResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    repository: Repository | None = None


class DeleteLifecyclePolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName


LifecyclePolicyText = Annotated[str, msgspec.Meta(min_length=100, max_length=30720)]


class DeleteLifecyclePolicyResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName | None = None
    lifecycle_policy_text: LifecyclePolicyText | None = None
    last_evaluated_at: float | None = None


class DeletePullThroughCacheRuleRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    ecr_repository_prefix: PullThroughCacheRuleRepositoryPrefix
    registry_id: RegistryId | None = None


class DeletePullThroughCacheRuleResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    ecr_repository_prefix: PullThroughCacheRuleRepositoryPrefix | None = None
    upstream_registry_url: str | None = None
    created_at: float | None = None
    registry_id: RegistryId | None = None
    credential_arn: CredentialArn | None = None
    custom_role_arn: CustomRoleArn | None = None
    upstream_repository_prefix: PullThroughCacheRuleRepositoryPrefix | None = None


class DeleteRegistryPolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    pass


RegistryPolicyText = Annotated[str, msgspec.Meta(max_length=10240)]


class DeleteRegistryPolicyResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    policy_text: RegistryPolicyText | None = None


class DeleteRepositoryCreationTemplateRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    prefix: Prefix


class DeleteRepositoryCreationTemplateResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    repository_creation_template: RepositoryCreationTemplate | None = None


class DeleteRepositoryPolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName


class DeleteRepositoryPolicyResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName | None = None
    policy_text: RepositoryPolicyText | None = None


class DeleteRepositoryRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    force: bool | None = None


class DeleteRepositoryResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    repository: Repository | None = None


class DeleteSigningConfigurationRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    pass


SigningProfileArn = Annotated[
    str,
    msgspec.Meta(
        max_length=200,
        pattern=r"\A(?a:^arn:aws(-[a-z]+)*:signer:[a-z0-9-]+:[0-9]{12}:/signing-profiles/[a-zA-Z0-9_]{2,}$)\Z",
    ),
]
SigningRepositoryFilterValue = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=256,
        pattern=r"\A(?a:^(?:[a-z0-9*]+(?:[._-][a-z0-9*]+)*/)*[a-z0-9*]+(?:[._-][a-z0-9*]+)*$)\Z",
    ),
]
SigningRepositoryFilterType = Literal["WILDCARD_MATCH"]


class SigningRepositoryFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    filter: SigningRepositoryFilterValue
    filter_type: SigningRepositoryFilterType


SigningRepositoryFilterList = Annotated[
    Sequence[SigningRepositoryFilter], msgspec.Meta(min_length=1, max_length=100)
]


class SigningRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    signing_profile_arn: SigningProfileArn
    repository_filters: SigningRepositoryFilterList | None = None


SigningRuleList = Annotated[Sequence[SigningRule], msgspec.Meta(max_length=10)]


class SigningConfiguration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    rules: SigningRuleList


class DeleteSigningConfigurationResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    signing_configuration: SigningConfiguration | None = None


PrincipalArn = Annotated[
    str,
    msgspec.Meta(
        max_length=200,
        pattern=r"\A(?a:^arn:aws(-[a-z]+)*:iam::[0-9]{12}:(role|user)/[\w+=,.@-]+(/[\w+=,.@-]+)*$)\Z",
    ),
]


class DeregisterPullTimeUpdateExclusionRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    principal_arn: PrincipalArn


class DeregisterPullTimeUpdateExclusionResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    principal_arn: PrincipalArn | None = None


class DescribeImageReplicationStatusRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    repository_name: RepositoryName
    image_id: ImageIdentifier
    registry_id: RegistryId | None = None


Region = Annotated[str, msgspec.Meta(min_length=2, max_length=25, pattern=r"\A(?a:[0-9a-z-]{2,25})\Z")]
ReplicationStatus = Literal["IN_PROGRESS", "COMPLETE", "FAILED"]


class ImageReplicationStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    region: Region | None = None
    registry_id: RegistryId | None = None
    status: ReplicationStatus | None = None
    failure_code: str | None = None


class DescribeImageReplicationStatusResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    repository_name: RepositoryName | None = None
    image_id: ImageIdentifier | None = None
    replication_statuses: Sequence[ImageReplicationStatus] | None = None


MaxResults = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class DescribeImageScanFindingsRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    image_id: ImageIdentifier
    next_token: str | None = None
    max_results: MaxResults | None = None


ScanStatus = Literal[
    "IN_PROGRESS",
    "COMPLETE",
    "FAILED",
    "UNSUPPORTED_IMAGE",
    "ACTIVE",
    "PENDING",
    "SCAN_ELIGIBILITY_EXPIRED",
    "FINDINGS_UNAVAILABLE",
    "LIMIT_EXCEEDED",
    "IMAGE_ARCHIVED",
    "IMAGE_SIZE_EXCEEDED",
]


class ImageScanStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    status: ScanStatus | None = None
    description: str | None = None


FindingSeverity = Literal["INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL", "UNDEFINED"]
SeverityCount = Annotated[int, msgspec.Meta(ge=0, le=2147483647)]
AttributeKey = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
AttributeValue = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Attribute(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    key: AttributeKey | None = None
    value: AttributeValue | None = None


AttributeList = Annotated[Sequence[Attribute], msgspec.Meta(max_length=50)]


class ImageScanFinding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    name: str | None = None
    description: str | None = None
    uri: str | None = None
    severity: FindingSeverity | None = None
    attributes: AttributeList | None = None


class CvssScore(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    base_score: float | None = None
    scoring_vector: str | None = None
    source: str | None = None
    version: str | None = None


Epoch = Annotated[int, msgspec.Meta(ge=-2147483648, le=2147483647)]


class VulnerablePackage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    arch: str | None = None
    epoch: Epoch | None = None
    file_path: str | None = None
    name: str | None = None
    package_manager: str | None = None
    release: str | None = None
    source_layer_hash: str | None = None
    version: str | None = None
    fixed_in_version: str | None = None


class PackageVulnerabilityDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    cvss: Sequence[CvssScore] | None = None
    reference_urls: Sequence[str] | None = None
    related_vulnerabilities: Sequence[str] | None = None
    source: str | None = None
    source_url: str | None = None
    vendor_created_at: float | None = None
    vendor_severity: str | None = None
    vendor_updated_at: float | None = None
    vulnerability_id: str | None = None
    vulnerable_packages: Sequence[VulnerablePackage] | None = None


class Recommendation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    url: str | None = None
    text: str | None = None


class Remediation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    recommendation: Recommendation | None = None


InUseCount = Annotated[int, msgspec.Meta(ge=0, le=9223372036854775807)]


class AwsEcrContainerImageDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    architecture: str | None = None
    author: str | None = None
    image_hash: str | None = None
    image_tags: Sequence[ImageTag] | None = None
    platform: str | None = None
    pushed_at: float | None = None
    last_in_use_at: float | None = None
    in_use_count: InUseCount | None = None
    registry: RegistryId | None = None
    repository_name: RepositoryName | None = None


class ResourceDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    aws_ecr_container_image: AwsEcrContainerImageDetails | None = None


class Resource(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    details: ResourceDetails | None = None
    id: str | None = None
    tags: Mapping[str, str] | None = None
    type: str | None = None


class CvssScoreAdjustment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    metric: str | None = None
    reason: str | None = None


class CvssScoreDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    adjustments: Sequence[CvssScoreAdjustment] | None = None
    score: float | None = None
    score_source: str | None = None
    scoring_vector: str | None = None
    version: str | None = None


class ScoreDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    cvss: CvssScoreDetails | None = None


class EnhancedImageScanFinding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    aws_account_id: RegistryId | None = None
    description: str | None = None
    finding_arn: str | None = None
    first_observed_at: float | None = None
    last_observed_at: float | None = None
    package_vulnerability_details: PackageVulnerabilityDetails | None = None
    remediation: Remediation | None = None
    resources: Sequence[Resource] | None = None
    score: float | None = None
    score_details: ScoreDetails | None = None
    severity: str | None = None
    status: str | None = None
    title: str | None = None
    type: str | None = None
    updated_at: float | None = None
    fix_available: str | None = None
    exploit_available: str | None = None


class ImageScanFindings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    image_scan_completed_at: float | None = None
    vulnerability_source_updated_at: float | None = None
    finding_severity_counts: Mapping[FindingSeverity, SeverityCount] | None = None
    findings: Sequence[ImageScanFinding] | None = None
    enhanced_findings: Sequence[EnhancedImageScanFinding] | None = None


class DescribeImageScanFindingsResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName | None = None
    image_id: ImageIdentifier | None = None
    image_scan_status: ImageScanStatus | None = None
    image_scan_findings: ImageScanFindings | None = None
    next_token: str | None = None


class DescribeImageSigningStatusRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    repository_name: RepositoryName
    image_id: ImageIdentifier
    registry_id: RegistryId | None = None


SigningStatus = Literal["IN_PROGRESS", "COMPLETE", "FAILED"]


class ImageSigningStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    signing_profile_arn: SigningProfileArn | None = None
    failure_code: str | None = None
    failure_reason: str | None = None
    status: SigningStatus | None = None


class DescribeImageSigningStatusResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    repository_name: RepositoryName | None = None
    image_id: ImageIdentifier | None = None
    registry_id: RegistryId | None = None
    signing_statuses: Sequence[ImageSigningStatus] | None = None


TagStatus = Literal["TAGGED", "UNTAGGED", "ANY"]
ImageStatusFilter = Literal["ACTIVE", "ARCHIVED", "ACTIVATING", "ANY"]


class DescribeImagesFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    tag_status: TagStatus | None = None
    image_status: ImageStatusFilter | None = None


class DescribeImagesRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    image_ids: ImageIdentifierList | None = None
    next_token: str | None = None
    max_results: MaxResults | None = None
    filter: DescribeImagesFilter | None = None


ImageSizeInBytes = Annotated[int, msgspec.Meta(ge=-9223372036854775808, le=9223372036854775807)]


class ImageScanFindingsSummary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    image_scan_completed_at: float | None = None
    vulnerability_source_updated_at: float | None = None
    finding_severity_counts: Mapping[FindingSeverity, SeverityCount] | None = None


ImageStatus = Literal["ACTIVE", "ARCHIVED", "ACTIVATING"]


class ImageDetail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName | None = None
    image_digest: str | None = None
    image_tags: Sequence[ImageTag] | None = None
    image_size_in_bytes: ImageSizeInBytes | None = None
    image_pushed_at: float | None = None
    image_scan_status: ImageScanStatus | None = None
    image_scan_findings_summary: ImageScanFindingsSummary | None = None
    image_manifest_media_type: str | None = None
    artifact_media_type: str | None = None
    last_recorded_pull_time: float | None = None
    subject_manifest_digest: str | None = None
    image_status: ImageStatus | None = None
    last_archived_at: float | None = None
    last_activated_at: float | None = None


class DescribeImagesResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    image_details: Sequence[ImageDetail] | None = None
    next_token: str | None = None


PullThroughCacheRuleRepositoryPrefixList = Annotated[
    Sequence[PullThroughCacheRuleRepositoryPrefix], msgspec.Meta(min_length=1, max_length=100)
]


class DescribePullThroughCacheRulesRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    ecr_repository_prefixes: PullThroughCacheRuleRepositoryPrefixList | None = None
    next_token: str | None = None
    max_results: MaxResults | None = None


class PullThroughCacheRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    ecr_repository_prefix: PullThroughCacheRuleRepositoryPrefix | None = None
    upstream_registry_url: str | None = None
    created_at: float | None = None
    registry_id: RegistryId | None = None
    credential_arn: CredentialArn | None = None
    custom_role_arn: CustomRoleArn | None = None
    upstream_repository_prefix: PullThroughCacheRuleRepositoryPrefix | None = None
    upstream_registry: UpstreamRegistry | None = None
    updated_at: float | None = None


class DescribePullThroughCacheRulesResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    pull_through_cache_rules: Sequence[PullThroughCacheRule] | None = None
    next_token: str | None = None


class DescribeRegistryRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    pass


class ReplicationDestination(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    region: Region
    registry_id: RegistryId


ReplicationDestinationList = Annotated[Sequence[ReplicationDestination], msgspec.Meta(max_length=100)]
RepositoryFilterValue = Annotated[
    str,
    msgspec.Meta(
        min_length=2,
        max_length=256,
        pattern=r"\A(?a:^(?:[a-z0-9]+(?:[._-][a-z0-9]*)*/)*[a-z0-9]*(?:[._-][a-z0-9]*)*$)\Z",
    ),
]
RepositoryFilterType = Literal["PREFIX_MATCH"]


class RepositoryFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    filter: RepositoryFilterValue
    filter_type: RepositoryFilterType


RepositoryFilterList = Annotated[Sequence[RepositoryFilter], msgspec.Meta(min_length=1, max_length=100)]


class DeleteReplication(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    enabled: bool


class ReplicationRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    destinations: ReplicationDestinationList
    repository_filters: RepositoryFilterList | None = None
    delete_replication: DeleteReplication | None = None


ReplicationRuleList = Annotated[Sequence[ReplicationRule], msgspec.Meta(max_length=25)]


class ReplicationConfiguration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    rules: ReplicationRuleList


class DescribeRegistryResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    replication_configuration: ReplicationConfiguration | None = None


ReplicationBackfillId = Annotated[
    str,
    msgspec.Meta(pattern=r"\A(?a:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})\Z"),
]
ReplicationBackfillResultStatus = Literal["COMPLETE", "FAILED"]


class DescribeReplicationBackfillResultsRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    replication_backfill_id: ReplicationBackfillId
    result_status_filter: ReplicationBackfillResultStatus | None = None
    max_results: MaxResults | None = None
    next_token: str | None = None


ReplicationBackfillStatus = Literal["PREPARING", "IN_PROGRESS", "COMPLETE", "FAILED", "STOPPING", "STOPPED"]
NonNegativeInteger = Annotated[int, msgspec.Meta(ge=0, le=2147483647)]


class ReplicationBackfillProgress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    total_replication_count: NonNegativeInteger | None = None
    completed_replication_count: NonNegativeInteger | None = None
    failed_replication_count: NonNegativeInteger | None = None
    failure_codes: Sequence[str] | None = None


class ReplicationBackfillResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    repository_name: RepositoryName | None = None
    image_id: ImageIdentifier | None = None
    status: ReplicationBackfillResultStatus | None = None
    failure_code: str | None = None
    sub_image_failure_codes: Sequence[str] | None = None


class DescribeReplicationBackfillResultsResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    replication_backfill_id: ReplicationBackfillId | None = None
    destination: ReplicationDestination | None = None
    status: ReplicationBackfillStatus | None = None
    failure_code: str | None = None
    progress: ReplicationBackfillProgress | None = None
    results: Sequence[ReplicationBackfillResult] | None = None
    started_at: float | None = None
    ended_at: float | None = None
    next_token: str | None = None


RepositoryNameList = Annotated[Sequence[RepositoryName], msgspec.Meta(min_length=1, max_length=100)]


class DescribeRepositoriesRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_names: RepositoryNameList | None = None
    next_token: str | None = None
    max_results: MaxResults | None = None


class DescribeRepositoriesResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    repositories: Sequence[Repository] | None = None
    next_token: str | None = None


class DescribeRepositoryCreationTemplatesRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    prefixes: Sequence[Prefix] | None = None
    next_token: str | None = None
    max_results: MaxResults | None = None


class DescribeRepositoryCreationTemplatesResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    repository_creation_templates: Sequence[RepositoryCreationTemplate] | None = None
    next_token: str | None = None


AccountSettingName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class GetAccountSettingRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    name: AccountSettingName


class GetAccountSettingResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    name: AccountSettingName | None = None
    value: AccountSettingName | None = None


GetAuthorizationTokenRegistryIdList = Annotated[Sequence[RegistryId], msgspec.Meta(min_length=1, max_length=10)]


class GetAuthorizationTokenRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_ids: GetAuthorizationTokenRegistryIdList | None = None


Base64 = Annotated[str, msgspec.Meta(pattern=r"\A(?a:^\S+$)\Z")]


class AuthorizationData(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    authorization_token: Base64 | None = None
    expires_at: float | None = None
    proxy_endpoint: str | None = None


class GetAuthorizationTokenResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    authorization_data: Sequence[AuthorizationData] | None = None


class GetDownloadUrlForLayerRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    layer_digest: LayerDigest


class GetDownloadUrlForLayerResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    download_url: str | None = None
    layer_digest: LayerDigest | None = None


LifecyclePreviewMaxResults = Annotated[int, msgspec.Meta(ge=1, le=100)]


class LifecyclePolicyPreviewFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    tag_status: TagStatus | None = None


class GetLifecyclePolicyPreviewRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    image_ids: ImageIdentifierList | None = None
    next_token: str | None = None
    max_results: LifecyclePreviewMaxResults | None = None
    filter: LifecyclePolicyPreviewFilter | None = None


LifecyclePolicyPreviewStatus = Literal["IN_PROGRESS", "COMPLETE", "EXPIRED", "FAILED"]
ImageActionType = Literal["EXPIRE", "TRANSITION"]
LifecyclePolicyTargetStorageClass = Literal["ARCHIVE"]


class LifecyclePolicyRuleAction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    type: ImageActionType | None = None
    target_storage_class: LifecyclePolicyTargetStorageClass | None = None


LifecyclePolicyRulePriority = Annotated[int, msgspec.Meta(ge=1, le=2147483647)]
LifecyclePolicyStorageClass = Literal["ARCHIVE", "STANDARD"]


class LifecyclePolicyPreviewResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    image_tags: Sequence[ImageTag] | None = None
    image_digest: str | None = None
    image_pushed_at: float | None = None
    action: LifecyclePolicyRuleAction | None = None
    applied_rule_priority: LifecyclePolicyRulePriority | None = None
    storage_class: LifecyclePolicyStorageClass | None = None


ImageCount = Annotated[int, msgspec.Meta(ge=0, le=2147483647)]


class TransitioningImageTotalCount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    target_storage_class: LifecyclePolicyTargetStorageClass | None = None
    image_total_count: ImageCount | None = None


class LifecyclePolicyPreviewSummary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    expiring_image_total_count: ImageCount | None = None
    transitioning_image_total_counts: Sequence[TransitioningImageTotalCount] | None = None


class GetLifecyclePolicyPreviewResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName | None = None
    lifecycle_policy_text: LifecyclePolicyText | None = None
    status: LifecyclePolicyPreviewStatus | None = None
    next_token: str | None = None
    preview_results: Sequence[LifecyclePolicyPreviewResult] | None = None
    summary: LifecyclePolicyPreviewSummary | None = None


class GetLifecyclePolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName


class GetLifecyclePolicyResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName | None = None
    lifecycle_policy_text: LifecyclePolicyText | None = None
    last_evaluated_at: float | None = None


class GetRegistryPolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    pass


class GetRegistryPolicyResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    policy_text: RegistryPolicyText | None = None


class GetRegistryScanningConfigurationRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    pass


ScanType = Literal["BASIC", "ENHANCED"]


class RegistryScanningRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    scan_frequency: ScanFrequency
    repository_filters: ScanningRepositoryFilterList


RegistryScanningRuleList = Annotated[Sequence[RegistryScanningRule], msgspec.Meta(max_length=2)]


class RegistryScanningConfiguration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    scan_type: ScanType | None = None
    rules: RegistryScanningRuleList | None = None


class GetRegistryScanningConfigurationResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    scanning_configuration: RegistryScanningConfiguration | None = None


class GetRepositoryPolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName


class GetRepositoryPolicyResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName | None = None
    policy_text: RepositoryPolicyText | None = None


class GetSigningConfigurationRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    pass


class GetSigningConfigurationResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    signing_configuration: SigningConfiguration | None = None


class InitiateLayerUploadRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName


PartSize = Annotated[int, msgspec.Meta(ge=0, le=9223372036854775807)]


class InitiateLayerUploadResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    upload_id: UploadId | None = None
    part_size: PartSize | None = None


class SubjectIdentifier(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    image_digest: str


ArtifactType = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
ArtifactTypeList = Annotated[Sequence[ArtifactType], msgspec.Meta(max_length=5)]
ArtifactStatusFilter = Literal["ACTIVE", "ARCHIVED", "ACTIVATING", "ANY"]


class ListImageReferrersFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    artifact_types: ArtifactTypeList | None = None
    artifact_status: ArtifactStatusFilter | None = None


FiftyMaxResults = Annotated[int, msgspec.Meta(ge=1, le=50)]


class ListImageReferrersRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    subject_id: SubjectIdentifier
    filter: ListImageReferrersFilter | None = None
    next_token: str | None = None
    max_results: FiftyMaxResults | None = None


ArtifactStatus = Literal["ACTIVE", "ARCHIVED", "ACTIVATING"]


class ImageReferrer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    digest: str | None = None
    media_type: str | None = None
    artifact_type: ArtifactType | None = None
    size: ImageSizeInBytes | None = None
    annotations: Mapping[str, str] | None = None
    artifact_status: ArtifactStatus | None = None


class ListImageReferrersResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    referrers: Sequence[ImageReferrer] | None = None
    next_token: str | None = None


class ListImagesFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    tag_status: TagStatus | None = None
    image_status: ImageStatusFilter | None = None


class ListImagesRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    next_token: str | None = None
    max_results: MaxResults | None = None
    filter: ListImagesFilter | None = None


class ListImagesResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    image_ids: ImageIdentifierList | None = None
    next_token: str | None = None


class ListPullTimeUpdateExclusionsRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    max_results: MaxResults | None = None
    next_token: str | None = None


PullTimeUpdateExclusionList = Annotated[Sequence[PrincipalArn], msgspec.Meta(max_length=100)]


class ListPullTimeUpdateExclusionsResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    pull_time_update_exclusions: PullTimeUpdateExclusionList | None = None
    next_token: str | None = None


class ListReplicationBackfillsRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    max_results: FiftyMaxResults | None = None
    next_token: str | None = None


class ReplicationBackfillSummary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    replication_backfill_id: ReplicationBackfillId | None = None
    destination: ReplicationDestination | None = None
    status: ReplicationBackfillStatus | None = None
    failure_code: str | None = None
    progress: ReplicationBackfillProgress | None = None
    started_at: float | None = None
    ended_at: float | None = None


class ListReplicationBackfillsResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    backfills: Sequence[ReplicationBackfillSummary] | None = None
    next_token: str | None = None


class ListTagsForResourceRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    resource_arn: str


class ListTagsForResourceResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    tags: Sequence[Tag] | None = None


class PutAccountSettingRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    name: AccountSettingName
    value: str


class PutAccountSettingResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    name: AccountSettingName | None = None
    value: str | None = None


class PutImageRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    image_manifest: ImageManifest
    image_manifest_media_type: str | None = None
    image_tag: (
        Annotated[str, msgspec.Meta(min_length=1, max_length=300, pattern=r"\A(?a:[a-zA-Z0-9-_.]+)\Z")] | None
    ) = None
    image_digest: str | None = None


class PutImageResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    image: Image | None = None


class PutImageScanningConfigurationRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    image_scanning_configuration: ImageScanningConfiguration


class PutImageScanningConfigurationResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName | None = None
    image_scanning_configuration: ImageScanningConfiguration | None = None


class PutImageTagMutabilityRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    image_tag_mutability: ImageTagMutability
    image_tag_mutability_exclusion_filters: ImageTagMutabilityExclusionFilters | None = None


class PutImageTagMutabilityResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName | None = None
    image_tag_mutability: ImageTagMutability | None = None
    image_tag_mutability_exclusion_filters: ImageTagMutabilityExclusionFilters | None = None


class PutLifecyclePolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    lifecycle_policy_text: LifecyclePolicyText


class PutLifecyclePolicyResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName | None = None
    lifecycle_policy_text: LifecyclePolicyText | None = None


class PutRegistryPolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    policy_text: RegistryPolicyText


class PutRegistryPolicyResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    policy_text: RegistryPolicyText | None = None


class PutRegistryScanningConfigurationRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    scan_type: ScanType | None = None
    rules: RegistryScanningRuleList | None = None


class PutRegistryScanningConfigurationResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_scanning_configuration: RegistryScanningConfiguration | None = None


class PutReplicationConfigurationRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    replication_configuration: ReplicationConfiguration


class PutReplicationConfigurationResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    replication_configuration: ReplicationConfiguration | None = None


class PutSigningConfigurationRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    signing_configuration: SigningConfiguration


class PutSigningConfigurationResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    signing_configuration: SigningConfiguration | None = None


class RegisterPullTimeUpdateExclusionRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    principal_arn: PrincipalArn


class RegisterPullTimeUpdateExclusionResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    principal_arn: PrincipalArn | None = None
    created_at: float | None = None


class SetRepositoryPolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    policy_text: RepositoryPolicyText
    force: bool | None = None


class SetRepositoryPolicyResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName | None = None
    policy_text: RepositoryPolicyText | None = None


class StartImageScanRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    image_id: ImageIdentifier


class StartImageScanResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName | None = None
    image_id: ImageIdentifier | None = None
    image_scan_status: ImageScanStatus | None = None


class StartLifecyclePolicyPreviewRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    lifecycle_policy_text: LifecyclePolicyText | None = None


class StartLifecyclePolicyPreviewResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName | None = None
    lifecycle_policy_text: LifecyclePolicyText | None = None
    status: LifecyclePolicyPreviewStatus | None = None


class StartReplicationBackfillRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    destination: ReplicationDestination


class StartReplicationBackfillResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    replication_backfill_id: ReplicationBackfillId | None = None
    registry_id: RegistryId | None = None
    destination: ReplicationDestination | None = None
    status: ReplicationBackfillStatus | None = None
    started_at: float | None = None


class StopReplicationBackfillRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    replication_backfill_id: ReplicationBackfillId


class StopReplicationBackfillResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    replication_backfill_id: ReplicationBackfillId | None = None
    destination: ReplicationDestination | None = None
    status: ReplicationBackfillStatus | None = None
    started_at: float | None = None


class TagResourceRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    resource_arn: str
    tags: Sequence[Tag]


class TagResourceResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    pass


class UntagResourceRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    resource_arn: str
    tag_keys: Sequence[str]


class UntagResourceResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    pass


TargetStorageClass = Literal["STANDARD", "ARCHIVE"]


class UpdateImageStorageClassRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    image_id: ImageIdentifier
    target_storage_class: TargetStorageClass


class UpdateImageStorageClassResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName | None = None
    image_id: ImageIdentifier | None = None
    image_status: ImageStatus | None = None


class UpdatePullThroughCacheRuleRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    ecr_repository_prefix: PullThroughCacheRuleRepositoryPrefix
    credential_arn: CredentialArn | None = None
    custom_role_arn: CustomRoleArn | None = None


class UpdatePullThroughCacheRuleResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    ecr_repository_prefix: PullThroughCacheRuleRepositoryPrefix | None = None
    registry_id: RegistryId | None = None
    updated_at: float | None = None
    credential_arn: CredentialArn | None = None
    custom_role_arn: CustomRoleArn | None = None
    upstream_repository_prefix: PullThroughCacheRuleRepositoryPrefix | None = None


class UpdateRepositoryCreationTemplateRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    prefix: Prefix
    description: RepositoryTemplateDescription | None = None
    encryption_configuration: EncryptionConfigurationForRepositoryCreationTemplate | None = None
    resource_tags: Sequence[Tag] | None = None
    image_tag_mutability: ImageTagMutability | None = None
    image_tag_mutability_exclusion_filters: ImageTagMutabilityExclusionFilters | None = None
    repository_policy: RepositoryPolicyText | None = None
    lifecycle_policy: LifecyclePolicyTextForRepositoryCreationTemplate | None = None
    applied_for: Sequence[RCTAppliedFor] | None = None
    custom_role_arn: CustomRoleArn | None = None


class UpdateRepositoryCreationTemplateResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    registry_id: RegistryId | None = None
    repository_creation_template: RepositoryCreationTemplate | None = None


LayerPartBlob = Annotated[bytes, msgspec.Meta(max_length=20971520)]


class UploadLayerPartRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName
    upload_id: UploadId
    part_first_byte: PartSize
    part_last_byte: PartSize
    layer_part_blob: LayerPartBlob


class UploadLayerPartResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    registry_id: RegistryId | None = None
    repository_name: RepositoryName | None = None
    upload_id: UploadId | None = None
    last_byte_received: PartSize | None = None


class ValidatePullThroughCacheRuleRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    ecr_repository_prefix: PullThroughCacheRuleRepositoryPrefix
    registry_id: RegistryId | None = None


class ValidatePullThroughCacheRuleResponse(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"
):
    ecr_repository_prefix: PullThroughCacheRuleRepositoryPrefix | None = None
    registry_id: RegistryId | None = None
    upstream_registry_url: str | None = None
    credential_arn: CredentialArn | None = None
    custom_role_arn: CustomRoleArn | None = None
    upstream_repository_prefix: PullThroughCacheRuleRepositoryPrefix | None = None
    is_valid: bool | None = None
    failure: str | None = None


#: By the name that X-Amz-Target gives.
OPERATIONS: dict[str, Operation] = {
    "BatchCheckLayerAvailability": Operation(
        name="BatchCheckLayerAvailability",
        input=BatchCheckLayerAvailabilityRequest,
        output=BatchCheckLayerAvailabilityResponse,
        errors=(
            "RepositoryNotFoundException",
            "InvalidParameterException",
            "ServerException",
        ),
        paginated=False,
    ),
    "BatchDeleteImage": Operation(
        name="BatchDeleteImage",
        input=BatchDeleteImageRequest,
        output=BatchDeleteImageResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
        ),
        paginated=False,
    ),
    "BatchGetImage": Operation(
        name="BatchGetImage",
        input=BatchGetImageRequest,
        output=BatchGetImageResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
            "LimitExceededException",
            "UnableToGetUpstreamImageException",
        ),
        paginated=False,
    ),
    "BatchGetRepositoryScanningConfiguration": Operation(
        name="BatchGetRepositoryScanningConfiguration",
        input=BatchGetRepositoryScanningConfigurationRequest,
        output=BatchGetRepositoryScanningConfigurationResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
            "ValidationException",
        ),
        paginated=False,
    ),
    "CompleteLayerUpload": Operation(
        name="CompleteLayerUpload",
        input=CompleteLayerUploadRequest,
        output=CompleteLayerUploadResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
            "UploadNotFoundException",
            "InvalidLayerException",
            "LayerPartTooSmallException",
            "LayerAlreadyExistsException",
            "EmptyUploadException",
            "KmsException",
        ),
        paginated=False,
    ),
    "CreatePullThroughCacheRule": Operation(
        name="CreatePullThroughCacheRule",
        input=CreatePullThroughCacheRuleRequest,
        output=CreatePullThroughCacheRuleResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "ValidationException",
            "PullThroughCacheRuleAlreadyExistsException",
            "UnsupportedUpstreamRegistryException",
            "LimitExceededException",
            "UnableToAccessSecretException",
            "SecretNotFoundException",
            "UnableToDecryptSecretValueException",
        ),
        paginated=False,
    ),
    "CreateRepository": Operation(
        name="CreateRepository",
        input=CreateRepositoryRequest,
        output=CreateRepositoryResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "InvalidTagParameterException",
            "TooManyTagsException",
            "RepositoryAlreadyExistsException",
            "LimitExceededException",
            "KmsException",
        ),
        paginated=False,
    ),
    "CreateRepositoryCreationTemplate": Operation(
        name="CreateRepositoryCreationTemplate",
        input=CreateRepositoryCreationTemplateRequest,
        output=CreateRepositoryCreationTemplateResponse,
        errors=(
            "ServerException",
            "ValidationException",
            "InvalidParameterException",
            "LimitExceededException",
            "TemplateAlreadyExistsException",
        ),
        paginated=False,
    ),
    "DeleteLifecyclePolicy": Operation(
        name="DeleteLifecyclePolicy",
        input=DeleteLifecyclePolicyRequest,
        output=DeleteLifecyclePolicyResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
            "LifecyclePolicyNotFoundException",
            "ValidationException",
        ),
        paginated=False,
    ),
    "DeletePullThroughCacheRule": Operation(
        name="DeletePullThroughCacheRule",
        input=DeletePullThroughCacheRuleRequest,
        output=DeletePullThroughCacheRuleResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "ValidationException",
            "PullThroughCacheRuleNotFoundException",
        ),
        paginated=False,
    ),
    "DeleteRegistryPolicy": Operation(
        name="DeleteRegistryPolicy",
        input=DeleteRegistryPolicyRequest,
        output=DeleteRegistryPolicyResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RegistryPolicyNotFoundException",
            "ValidationException",
        ),
        paginated=False,
    ),
    "DeleteRepository": Operation(
        name="DeleteRepository",
        input=DeleteRepositoryRequest,
        output=DeleteRepositoryResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
            "RepositoryNotEmptyException",
            "KmsException",
        ),
        paginated=False,
    ),
    "DeleteRepositoryCreationTemplate": Operation(
        name="DeleteRepositoryCreationTemplate",
        input=DeleteRepositoryCreationTemplateRequest,
        output=DeleteRepositoryCreationTemplateResponse,
        errors=(
            "ServerException",
            "ValidationException",
            "InvalidParameterException",
            "TemplateNotFoundException",
        ),
        paginated=False,
    ),
    "DeleteRepositoryPolicy": Operation(
        name="DeleteRepositoryPolicy",
        input=DeleteRepositoryPolicyRequest,
        output=DeleteRepositoryPolicyResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
            "RepositoryPolicyNotFoundException",
        ),
        paginated=False,
    ),
    "DeleteSigningConfiguration": Operation(
        name="DeleteSigningConfiguration",
        input=DeleteSigningConfigurationRequest,
        output=DeleteSigningConfigurationResponse,
        errors=(
            "ServerException",
            "ValidationException",
            "SigningConfigurationNotFoundException",
        ),
        paginated=False,
    ),
    "DeregisterPullTimeUpdateExclusion": Operation(
        name="DeregisterPullTimeUpdateExclusion",
        input=DeregisterPullTimeUpdateExclusionRequest,
        output=DeregisterPullTimeUpdateExclusionResponse,
        errors=(
            "InvalidParameterException",
            "ExclusionNotFoundException",
            "LimitExceededException",
            "ValidationException",
            "ServerException",
        ),
        paginated=False,
    ),
    "DescribeImageReplicationStatus": Operation(
        name="DescribeImageReplicationStatus",
        input=DescribeImageReplicationStatusRequest,
        output=DescribeImageReplicationStatusResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "ImageNotFoundException",
            "RepositoryNotFoundException",
            "ValidationException",
        ),
        paginated=False,
    ),
    "DescribeImageScanFindings": Operation(
        name="DescribeImageScanFindings",
        input=DescribeImageScanFindingsRequest,
        output=DescribeImageScanFindingsResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
            "ImageNotFoundException",
            "ScanNotFoundException",
            "ValidationException",
        ),
        paginated=True,
    ),
    "DescribeImageSigningStatus": Operation(
        name="DescribeImageSigningStatus",
        input=DescribeImageSigningStatusRequest,
        output=DescribeImageSigningStatusResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "ValidationException",
            "ImageNotFoundException",
            "RepositoryNotFoundException",
        ),
        paginated=False,
    ),
    "DescribeImages": Operation(
        name="DescribeImages",
        input=DescribeImagesRequest,
        output=DescribeImagesResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
            "ImageNotFoundException",
        ),
        paginated=True,
    ),
    "DescribePullThroughCacheRules": Operation(
        name="DescribePullThroughCacheRules",
        input=DescribePullThroughCacheRulesRequest,
        output=DescribePullThroughCacheRulesResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "ValidationException",
            "PullThroughCacheRuleNotFoundException",
        ),
        paginated=True,
    ),
    "DescribeRegistry": Operation(
        name="DescribeRegistry",
        input=DescribeRegistryRequest,
        output=DescribeRegistryResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "ValidationException",
        ),
        paginated=False,
    ),
    "DescribeReplicationBackfillResults": Operation(
        name="DescribeReplicationBackfillResults",
        input=DescribeReplicationBackfillResultsRequest,
        output=DescribeReplicationBackfillResultsResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "ValidationException",
            "ReplicationBackfillNotFoundException",
        ),
        paginated=True,
    ),
    "DescribeRepositories": Operation(
        name="DescribeRepositories",
        input=DescribeRepositoriesRequest,
        output=DescribeRepositoriesResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
        ),
        paginated=True,
    ),
    "DescribeRepositoryCreationTemplates": Operation(
        name="DescribeRepositoryCreationTemplates",
        input=DescribeRepositoryCreationTemplatesRequest,
        output=DescribeRepositoryCreationTemplatesResponse,
        errors=(
            "ServerException",
            "ValidationException",
            "InvalidParameterException",
        ),
        paginated=True,
    ),
    "GetAccountSetting": Operation(
        name="GetAccountSetting",
        input=GetAccountSettingRequest,
        output=GetAccountSettingResponse,
        errors=(
            "ServerException",
            "ValidationException",
            "InvalidParameterException",
        ),
        paginated=False,
    ),
    "GetAuthorizationToken": Operation(
        name="GetAuthorizationToken",
        input=GetAuthorizationTokenRequest,
        output=GetAuthorizationTokenResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
        ),
        paginated=False,
    ),
    "GetDownloadUrlForLayer": Operation(
        name="GetDownloadUrlForLayer",
        input=GetDownloadUrlForLayerRequest,
        output=GetDownloadUrlForLayerResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "LayersNotFoundException",
            "LayerInaccessibleException",
            "RepositoryNotFoundException",
            "UnableToGetUpstreamLayerException",
        ),
        paginated=False,
    ),
    "GetLifecyclePolicy": Operation(
        name="GetLifecyclePolicy",
        input=GetLifecyclePolicyRequest,
        output=GetLifecyclePolicyResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
            "LifecyclePolicyNotFoundException",
            "ValidationException",
        ),
        paginated=False,
    ),
    "GetLifecyclePolicyPreview": Operation(
        name="GetLifecyclePolicyPreview",
        input=GetLifecyclePolicyPreviewRequest,
        output=GetLifecyclePolicyPreviewResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
            "LifecyclePolicyPreviewNotFoundException",
            "ValidationException",
        ),
        paginated=True,
    ),
    "GetRegistryPolicy": Operation(
        name="GetRegistryPolicy",
        input=GetRegistryPolicyRequest,
        output=GetRegistryPolicyResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RegistryPolicyNotFoundException",
            "ValidationException",
        ),
        paginated=False,
    ),
    "GetRegistryScanningConfiguration": Operation(
        name="GetRegistryScanningConfiguration",
        input=GetRegistryScanningConfigurationRequest,
        output=GetRegistryScanningConfigurationResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "ValidationException",
        ),
        paginated=False,
    ),
    "GetRepositoryPolicy": Operation(
        name="GetRepositoryPolicy",
        input=GetRepositoryPolicyRequest,
        output=GetRepositoryPolicyResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
            "RepositoryPolicyNotFoundException",
        ),
        paginated=False,
    ),
    "GetSigningConfiguration": Operation(
        name="GetSigningConfiguration",
        input=GetSigningConfigurationRequest,
        output=GetSigningConfigurationResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "ValidationException",
            "SigningConfigurationNotFoundException",
        ),
        paginated=False,
    ),
    "InitiateLayerUpload": Operation(
        name="InitiateLayerUpload",
        input=InitiateLayerUploadRequest,
        output=InitiateLayerUploadResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
            "KmsException",
        ),
        paginated=False,
    ),
    "ListImageReferrers": Operation(
        name="ListImageReferrers",
        input=ListImageReferrersRequest,
        output=ListImageReferrersResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
            "ValidationException",
            "UnableToListUpstreamImageReferrersException",
        ),
        paginated=True,
    ),
    "ListImages": Operation(
        name="ListImages",
        input=ListImagesRequest,
        output=ListImagesResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
        ),
        paginated=True,
    ),
    "ListPullTimeUpdateExclusions": Operation(
        name="ListPullTimeUpdateExclusions",
        input=ListPullTimeUpdateExclusionsRequest,
        output=ListPullTimeUpdateExclusionsResponse,
        errors=(
            "InvalidParameterException",
            "ValidationException",
            "LimitExceededException",
            "ServerException",
        ),
        paginated=True,
    ),
    "ListReplicationBackfills": Operation(
        name="ListReplicationBackfills",
        input=ListReplicationBackfillsRequest,
        output=ListReplicationBackfillsResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "ValidationException",
        ),
        paginated=True,
    ),
    "ListTagsForResource": Operation(
        name="ListTagsForResource",
        input=ListTagsForResourceRequest,
        output=ListTagsForResourceResponse,
        errors=(
            "InvalidParameterException",
            "RepositoryNotFoundException",
            "ServerException",
        ),
        paginated=False,
    ),
    "PutAccountSetting": Operation(
        name="PutAccountSetting",
        input=PutAccountSettingRequest,
        output=PutAccountSettingResponse,
        errors=(
            "ServerException",
            "ValidationException",
            "InvalidParameterException",
            "LimitExceededException",
        ),
        paginated=False,
    ),
    "PutImage": Operation(
        name="PutImage",
        input=PutImageRequest,
        output=PutImageResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
            "ImageAlreadyExistsException",
            "LayersNotFoundException",
            "ReferencedImagesNotFoundException",
            "LimitExceededException",
            "ImageTagAlreadyExistsException",
            "ImageDigestDoesNotMatchException",
            "KmsException",
        ),
        paginated=False,
    ),
    "PutImageScanningConfiguration": Operation(
        name="PutImageScanningConfiguration",
        input=PutImageScanningConfigurationRequest,
        output=PutImageScanningConfigurationResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
            "ValidationException",
        ),
        paginated=False,
    ),
    "PutImageTagMutability": Operation(
        name="PutImageTagMutability",
        input=PutImageTagMutabilityRequest,
        output=PutImageTagMutabilityResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
        ),
        paginated=False,
    ),
    "PutLifecyclePolicy": Operation(
        name="PutLifecyclePolicy",
        input=PutLifecyclePolicyRequest,
        output=PutLifecyclePolicyResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
            "ValidationException",
        ),
        paginated=False,
    ),
    "PutRegistryPolicy": Operation(
        name="PutRegistryPolicy",
        input=PutRegistryPolicyRequest,
        output=PutRegistryPolicyResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "ValidationException",
        ),
        paginated=False,
    ),
    "PutRegistryScanningConfiguration": Operation(
        name="PutRegistryScanningConfiguration",
        input=PutRegistryScanningConfigurationRequest,
        output=PutRegistryScanningConfigurationResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "ValidationException",
            "BlockedByOrganizationPolicyException",
        ),
        paginated=False,
    ),
    "PutReplicationConfiguration": Operation(
        name="PutReplicationConfiguration",
        input=PutReplicationConfigurationRequest,
        output=PutReplicationConfigurationResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "ValidationException",
        ),
        paginated=False,
    ),
    "PutSigningConfiguration": Operation(
        name="PutSigningConfiguration",
        input=PutSigningConfigurationRequest,
        output=PutSigningConfigurationResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "ValidationException",
        ),
        paginated=False,
    ),
    "RegisterPullTimeUpdateExclusion": Operation(
        name="RegisterPullTimeUpdateExclusion",
        input=RegisterPullTimeUpdateExclusionRequest,
        output=RegisterPullTimeUpdateExclusionResponse,
        errors=(
            "InvalidParameterException",
            "ExclusionAlreadyExistsException",
            "LimitExceededException",
            "ValidationException",
            "ServerException",
        ),
        paginated=False,
    ),
    "SetRepositoryPolicy": Operation(
        name="SetRepositoryPolicy",
        input=SetRepositoryPolicyRequest,
        output=SetRepositoryPolicyResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
        ),
        paginated=False,
    ),
    "StartImageScan": Operation(
        name="StartImageScan",
        input=StartImageScanRequest,
        output=StartImageScanResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "UnsupportedImageTypeException",
            "LimitExceededException",
            "RepositoryNotFoundException",
            "ImageNotFoundException",
            "ValidationException",
            "ImageArchivedException",
        ),
        paginated=False,
    ),
    "StartLifecyclePolicyPreview": Operation(
        name="StartLifecyclePolicyPreview",
        input=StartLifecyclePolicyPreviewRequest,
        output=StartLifecyclePolicyPreviewResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "RepositoryNotFoundException",
            "LifecyclePolicyNotFoundException",
            "LifecyclePolicyPreviewInProgressException",
            "ValidationException",
        ),
        paginated=False,
    ),
    "StartReplicationBackfill": Operation(
        name="StartReplicationBackfill",
        input=StartReplicationBackfillRequest,
        output=StartReplicationBackfillResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "ValidationException",
            "LimitExceededException",
            "ReplicationBackfillInProgressException",
        ),
        paginated=False,
    ),
    "StopReplicationBackfill": Operation(
        name="StopReplicationBackfill",
        input=StopReplicationBackfillRequest,
        output=StopReplicationBackfillResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "ValidationException",
            "ReplicationBackfillNotFoundException",
            "ReplicationBackfillInvalidStatusException",
        ),
        paginated=False,
    ),
    "TagResource": Operation(
        name="TagResource",
        input=TagResourceRequest,
        output=TagResourceResponse,
        errors=(
            "InvalidParameterException",
            "InvalidTagParameterException",
            "TooManyTagsException",
            "RepositoryNotFoundException",
            "ServerException",
        ),
        paginated=False,
    ),
    "UntagResource": Operation(
        name="UntagResource",
        input=UntagResourceRequest,
        output=UntagResourceResponse,
        errors=(
            "InvalidParameterException",
            "InvalidTagParameterException",
            "TooManyTagsException",
            "RepositoryNotFoundException",
            "ServerException",
        ),
        paginated=False,
    ),
    "UpdateImageStorageClass": Operation(
        name="UpdateImageStorageClass",
        input=UpdateImageStorageClassRequest,
        output=UpdateImageStorageClassResponse,
        errors=(
            "InvalidParameterException",
            "ImageNotFoundException",
            "ImageStorageClassUpdateNotSupportedException",
            "RepositoryNotFoundException",
            "ServerException",
            "ValidationException",
        ),
        paginated=False,
    ),
    "UpdatePullThroughCacheRule": Operation(
        name="UpdatePullThroughCacheRule",
        input=UpdatePullThroughCacheRuleRequest,
        output=UpdatePullThroughCacheRuleResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "ValidationException",
            "UnableToAccessSecretException",
            "PullThroughCacheRuleNotFoundException",
            "SecretNotFoundException",
            "UnableToDecryptSecretValueException",
        ),
        paginated=False,
    ),
    "UpdateRepositoryCreationTemplate": Operation(
        name="UpdateRepositoryCreationTemplate",
        input=UpdateRepositoryCreationTemplateRequest,
        output=UpdateRepositoryCreationTemplateResponse,
        errors=(
            "ServerException",
            "ValidationException",
            "InvalidParameterException",
            "TemplateNotFoundException",
        ),
        paginated=False,
    ),
    "UploadLayerPart": Operation(
        name="UploadLayerPart",
        input=UploadLayerPartRequest,
        output=UploadLayerPartResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "InvalidLayerPartException",
            "RepositoryNotFoundException",
            "UploadNotFoundException",
            "LimitExceededException",
            "KmsException",
        ),
        paginated=False,
    ),
    "ValidatePullThroughCacheRule": Operation(
        name="ValidatePullThroughCacheRule",
        input=ValidatePullThroughCacheRuleRequest,
        output=ValidatePullThroughCacheRuleResponse,
        errors=(
            "ServerException",
            "InvalidParameterException",
            "ValidationException",
            "PullThroughCacheRuleNotFoundException",
        ),
        paginated=False,
    ),
}
