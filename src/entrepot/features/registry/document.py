"""What is kept of a registry as whole documents."""

from typing import Literal

DocumentKind = Literal[
    "policy",
    "replication",
    "scanning",
    "signing",
    "account-setting/BASIC_SCAN_TYPE_VERSION",
    "account-setting/REGISTRY_POLICY_SCOPE",
    "account-setting/BLOB_MOUNTING",
]
