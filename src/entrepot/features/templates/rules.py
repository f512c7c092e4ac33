"""Which template a repository gets, and what an update makes of a template."""

from collections.abc import Iterable
from dataclasses import fields, replace

from entrepot.core.prefixes import covering_prefixes, prefix_key
from entrepot.features.templates.template import Scenario, Template, TemplateChange, TemplateSettings

#: For one registry. ECR publishes no such quota; this one bounds a list.
MAX_TEMPLATES = 500

#: The members that an empty text takes away.
_REMOVABLE = ("description", "repository_policy", "lifecycle_policy", "custom_role_arn", "kms_key")


def select_template(templates: Iterable[Template], repository: str, scenario: Scenario) -> Template | None:
    """The template for a repository that the scenario makes: of those applied for it, the longest prefix."""
    by_key = {prefix_key(one.prefix): one for one in templates if scenario in one.settings.applied_for}
    return next((by_key[key] for key in covering_prefixes(repository) if key in by_key), None)


def changed(settings: TemplateSettings, change: TemplateChange) -> TemplateSettings:
    """The settings after a change.

    A KMS key belongs to the encryption type that it was given with. Exclusion filters belong to the mutability
    they were given with: one that has no exclusions ends them, since the service model has no way to send an empty
    list of them.
    """
    given = {one.name: getattr(change, one.name) for one in fields(change)}
    if change.exclusions is None and change.tag_mutability in {"MUTABLE", "IMMUTABLE"}:
        given["exclusions"] = ()
    if change.applied_for is not None:
        given["applied_for"] = tuple(dict.fromkeys(change.applied_for))
    if change.encryption_type is not None:
        given["kms_key"] = "" if change.encryption_type == "AES256" else change.kms_key or ""
    empty = {name: None for name in _REMOVABLE if given[name] == ""}
    return replace(settings, **{name: value for name, value in given.items() if value is not None} | empty)
