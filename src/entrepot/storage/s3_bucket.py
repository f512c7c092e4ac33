"""The calls of S3 that the driver makes, in threads, with their errors translated.

boto3 repeats a call that failed for S3's reasons three times (botocore's standard mode, with growing pauses). What
fails after that is StorageUnavailable with a reason that names no key, or StorageFull.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from itertools import batched  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
