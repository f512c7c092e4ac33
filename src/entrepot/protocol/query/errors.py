"""What a request can be refused with before its action is reached ("Common Errors" of the IAM API reference)."""

from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import Invalid
from entrepot.protocol.ecr import errors as json_errors


@dataclass(eq=False)
class MalformedQueryString(Invalid):
    """The body is no form, or its parameters contradict each other."""

    reason: str

    code: ClassVar[str] = "MalformedQueryString"
    template = "{reason}"


@dataclass(eq=False)
class MissingAction(Invalid):
    """The form has no Action."""

    code: ClassVar[str] = "MissingAction"
    template = "The request must contain the parameter Action"


@dataclass(eq=False)
class InvalidAction(Invalid):
    """The action does not exist in this version of the service, or is not built."""

    action: str
    version: str

    code: ClassVar[str] = "InvalidAction"
    template = "Could not find operation {action} for version {version}"


@dataclass(eq=False)
class InvalidParameterValue(Invalid):
    """A parameter is not of the type that it should be."""

    parameter: str
    wanted: str

    code: ClassVar[str] = "InvalidParameterValue"
    template = "The parameter {parameter} must be {wanted}"


class ValidationError(json_errors.ValidationError):
    """Values that constraints of the model forbid, all in one answer."""

    code: ClassVar[str] = "ValidationError"
