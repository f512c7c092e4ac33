"""The lifecycle policy document as a JSON schema, and what is said of a document that breaks it.

ECR's refusals are those of a Java library, json-schema-validator; this is as much of it as the schema needs, with
its messages. Like it, it looks into an object or array only when that is right in itself.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, TypedDict, cast

MAX_RULES = 50
#: What fits ECR's integers (service model, LifecyclePolicyRulePriority).
MAX_INTEGER = 2**31 - 1

Type = Literal["object", "array", "string", "integer"]


class Schema(TypedDict, total=False):
    """The words of JSON Schema (draft 4) that are understood here."""

    type: Type
    required: Sequence[str]
    properties: Mapping[str, "Schema"]
    additionalProperties: Literal[False]
    oneOf: Sequence["Schema"]
    items: "Schema"
    minItems: int
    maxItems: int
    enum: Sequence[str]
    minimum: int
    maximum: int


_ANYTHING: Schema = {}
_STRING: Schema = {"type": "string"}
_STRINGS: Schema = {"type": "array", "items": _STRING, "minItems": 1}
_NUMBER: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_INTEGER}


#: The names that JSON Schema has for what a JSON parser gives; a number with a fraction or exponent is no integer.
_TYPES: Mapping[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


def _one_of(*words: str) -> Schema:
    return {"type": "string", "enum": words}


def _counting(count_type: str, storage_class: str, required: Sequence[str]) -> Schema:
    """A selection that counts in one way; without countUnit where it is not required."""
    members: dict[str, Schema] = {
        "tagStatus": _ANYTHING,
        "tagPatternList": _ANYTHING,
        "tagPrefixList": _ANYTHING,
        "countNumber": _ANYTHING,
        "countType": _one_of(count_type),
        "storageClass": _one_of(storage_class),
    }
    if "countUnit" in required:
        members["countUnit"] = _ANYTHING
    return {"properties": members, "required": required, "additionalProperties": False}


_SELECTION: Schema = {
    "type": "object",
    "required": ["tagStatus", "countType", "countNumber"],
    "properties": {
        "tagStatus": _one_of("any", "tagged", "untagged"),
        "tagPatternList": _STRINGS,
        "tagPrefixList": _STRINGS,
        "storageClass": _STRING,
        "countType": _STRING,
        "countUnit": _one_of("days"),
        "countNumber": _NUMBER,
    },
    "additionalProperties": False,
    "oneOf": [
        _counting("imageCountMoreThan", "standard", []),
        _counting("sinceImagePushed", "standard", ["countUnit"]),
        _counting("sinceImagePulled", "standard", ["countUnit"]),
        _counting("sinceImageTransitioned", "archive", ["countUnit", "storageClass"]),
    ],
}
_ACTION: Schema = {
    "type": "object",
    "required": ["type"],
    "properties": {"type": _STRING, "targetStorageClass": _STRING},
    "additionalProperties": False,
    "oneOf": [
        {"properties": {"type": _one_of("expire")}, "additionalProperties": False},
        {
            "properties": {"type": _one_of("transition"), "targetStorageClass": _one_of("archive")},
            "required": ["targetStorageClass"],
        },
    ],
}
_RULE: Schema = {
    "type": "object",
    "required": ["rulePriority", "selection", "action"],
    "properties": {"rulePriority": _NUMBER, "description": _STRING, "selection": _SELECTION, "action": _ACTION},
    "additionalProperties": False,
}
POLICY: Schema = {
    "type": "object",
    "required": ["rules"],
    "properties": {"rules": {"type": "array", "items": _RULE, "minItems": 1, "maxItems": MAX_RULES}},
    "additionalProperties": False,
}


def violations(schema: Schema, value: object) -> Iterator[str]:
    """What is wrong with a JSON value, a line for each failure; nothing when it fits."""
    type_ = _TYPES[type(value)]
    if type_ != schema.get("type", type_):
        yield (
            f"instance type ({type_}) does not match any allowed primitive type "
            f"(allowed: {_array([schema.get('type', '')])})"
        )
        return
    if isinstance(value, dict):
        yield from _in_object(schema, cast("dict[str, object]", value))
    elif isinstance(value, list):
        yield from _in_array(schema, cast("list[object]", value))
    elif isinstance(value, str):
        if value not in schema.get("enum", [value]):
            allowed = _array(schema.get("enum", ()))
            yield f"instance value ({json.dumps(value)}) not found in enum (possible values: {allowed})"
    elif isinstance(value, int):
        yield from _in_integer(schema, value)


def _in_object(schema: Schema, members: Mapping[str, object]) -> Iterator[str]:
    properties = schema.get("properties", {})
    missing = [name for name in schema.get("required", ()) if name not in members]
    unwanted = [] if schema.get("additionalProperties", True) else sorted(members.keys() - properties)
    if missing:
        yield f"object has missing required properties ({_array(missing)})"
    if unwanted:
        yield f"object instance has properties which are not allowed by the schema: {_array(unwanted)}"
    if missing or unwanted:
        return
    if "oneOf" in schema:
        matched = sum(not any(violations(one, members)) for one in schema["oneOf"])
        if matched != 1:
            yield f"instance failed to match exactly one schema (matched {matched} out of {len(schema['oneOf'])})"
            return
    for name, inner in properties.items():
        if name in members:
            yield from violations(inner, members[name])


def _in_array(schema: Schema, items: Sequence[object]) -> Iterator[str]:
    size = len(items)
    least, most = schema.get("minItems", 0), schema.get("maxItems", size)
    if size < least:
        yield f"array is too short: must have at least {least} elements but instance has {size} elements"
    elif size > most:
        yield f"array is too long: must have at most {most} elements but instance has {size} elements"
    else:
        for item in items:
            yield from violations(schema.get("items", _ANYTHING), item)


def _in_integer(schema: Schema, number: int) -> Iterator[str]:
    least, most = schema.get("minimum", number), schema.get("maximum", number)
    if number < least:
        yield f"numeric instance is lower than the required minimum (minimum: {least}, found: {number})"
    if number > most:
        yield f"numeric instance is greater than the required maximum (maximum: {most}, found: {number})"


def _array(words: Iterable[str]) -> str:
    """Strings as the library prints them: a JSON array without spaces."""
    return json.dumps(list(words), separators=(",", ":"))
