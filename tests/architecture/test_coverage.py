"""Which operations of the ECR API are built is known, and written down."""

import runpy
from pathlib import Path

from entrepot.fronts.ecr.front import HANDLERS
from entrepot.protocol.ecr.shapes import OPERATIONS

ROOT = Path(__file__).resolve().parents[2]

#: Shorter with each operation that is built, and never longer.
MISSING = {
    "DescribeImageReplicationStatus",
    "DescribeImageScanFindings",
    "DescribeImageSigningStatus",
    "DescribeReplicationBackfillResults",
    "GetLifecyclePolicyPreview",
    "ListReplicationBackfills",
    "StartImageScan",
    "StartLifecyclePolicyPreview",
    "StartReplicationBackfill",
    "StopReplicationBackfill",
    "UpdateImageStorageClass",
    "ValidatePullThroughCacheRule",
}


def test_the_missing_operations_are_these() -> None:
    """Of the 62 that the service model has."""
    assert {*OPERATIONS} - {*HANDLERS} == MISSING
    assert {*HANDLERS} <= {*OPERATIONS}


def test_the_page_of_operations_is_what_the_generator_writes() -> None:
    """After an operation was built scripts/generate-coverage is run."""
    generator = runpy.run_path(str(ROOT / "scripts/generate-coverage"))

    assert generator["render"]() == (ROOT / "docs/reference/coverage.md").read_text()
