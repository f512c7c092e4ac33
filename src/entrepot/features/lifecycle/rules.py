"""What makes a lifecycle policy document one that can be acted on (ECR user guide, "Lifecycle policies").

First its shape (``schema``), whose failures are told together; then what the schema cannot say, where the first
failure is told.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, cast

from entrepot.core.errors import InvalidParameter
from entrepot.features.lifecycle.policy import ActionType, CountType, LifecyclePolicy, Rule, Selection
from entrepot.features.lifecycle.schema import POLICY, violations

MAX_WILDCARDS = 4
#: Archived images are kept for at least so many days.
MIN_DAYS_IN_ARCHIVE = 90

#: What may be done with the images that each way of counting finds.
_ACTIONS: Mapping[CountType, frozenset[ActionType]] = {
    "imageCountMoreThan": frozenset({"expire", "transition"}),
    "sinceImagePushed": frozenset({"expire", "transition"}),
    "sinceImagePulled": frozenset({"transition"}),
    "sinceImageTransitioned": frozenset({"expire"}),
}


def parse_policy(text: str) -> LifecyclePolicy:
    """Read a lifecycle policy document; raises InvalidParameter for one that ECR would refuse."""
    document = _read(text)
    failures = list(violations(POLICY, document))
    if failures:
        _refuse("".join(f"{failure}\n" for failure in failures))
    rules = [_rule(fields) for fields in document["rules"]]
    for rule in rules:
        _check_tags(rule.selection)
        _check_count(rule)
    _check_together(rules)
    return LifecyclePolicy(tuple(sorted(rules, key=lambda rule: rule.priority)))


def _read(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        _refuse("Could not map policyString into LifecyclePolicy.")
    return cast("dict[str, Any]", document)


def _no_number(word: str) -> NoReturn:
    """Python reads NaN and Infinity; JSON has no such numbers."""
    raise ValueError(word)


def _rule(fields: Mapping[str, Any]) -> Rule:
    selection = fields["selection"]
    return Rule(
        priority=fields["rulePriority"],
        description=fields.get("description"),
        selection=Selection(
            tag_status=selection["tagStatus"],
            tag_patterns=tuple(selection.get("tagPatternList", ())),
            tag_prefixes=tuple(selection.get("tagPrefixList", ())),
            storage_class=selection.get("storageClass", "standard"),
            count_type=selection["countType"],
            count_number=selection["countNumber"],
        ),
        action=fields["action"]["type"],
    )


def _check_tags(selection: Selection) -> None:
    listed = bool(selection.tag_patterns) + bool(selection.tag_prefixes)
    if selection.tag_status == "tagged" and not listed:
        _refuse("Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED.")
    if selection.tag_status != "tagged" and listed:
        _refuse("tagPrefixList and tagPatternList can only be specified when tagStatus=TAGGED.")
    if listed > 1:
        _refuse("Only one of tagPrefixList and tagPatternList can be specified.")
    if any(pattern.count("*") > MAX_WILDCARDS for pattern in selection.tag_patterns):
        _refuse(f"A string of tagPatternList can have at most {MAX_WILDCARDS} wildcards.")


def _check_count(rule: Rule) -> None:
    selection = rule.selection
    if rule.action not in _ACTIONS[selection.count_type]:
        _refuse(f"Action {rule.action.upper()} is not supported for countType={selection.count_type}.")
    if selection.count_type == "sinceImageTransitioned" and selection.count_number < MIN_DAYS_IN_ARCHIVE:
        _refuse(f"countNumber must be at least {MIN_DAYS_IN_ARCHIVE} for countType={selection.count_type}.")


def _check_together(rules: Sequence[Rule]) -> None:
    if len({rule.priority for rule in rules}) < len(rules):
        _refuse("Each rule must have a unique rulePriority.")
    for storage_class in ("standard", "archive"):
        _check_storage_class([rule for rule in rules if rule.selection.storage_class == storage_class])


def _check_storage_class(rules: Sequence[Rule]) -> None:
    prefixes = [frozenset(rule.selection.tag_prefixes) for rule in rules if rule.selection.tag_prefixes]
    if len(set(prefixes)) < len(prefixes):
        _refuse("Each rule must have a unique set of tag prefixes per storage class.")
    if sum(rule.selection.tag_status == "untagged" for rule in rules) > 1:
        _refuse("Only one rule can select Untagged images per storage class.")
    last = max((rule.priority for rule in rules), default=0)
    if any(rule.selection.tag_status == "any" and rule.priority < last for rule in rules):
        _refuse("Rule for tagStatus=ANY must have the lowest priority per storage class")


def _refuse(detail: str) -> NoReturn:
    raise InvalidParameter("LifecyclePolicyText", f"Lifecycle policy validation failure: {detail}")
