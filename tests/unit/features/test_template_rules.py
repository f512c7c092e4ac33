"""Which template is chosen, and what a change makes of one."""

from dataclasses import fields, replace
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.prefixes import ROOT, covering_prefixes
from entrepot.features.templates.rules import changed, select_template
from entrepot.features.templates.template import Scenario, Template, TemplateChange, TemplateSettings

SCENARIOS = st.sampled_from(get_args(Scenario))
NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join)
TEMPLATES = st.dictionaries(
    st.one_of(st.just(ROOT), NAMES),
    st.tuples(st.sampled_from(["", "/"]), st.frozensets(SCENARIOS)),
    max_size=8,
)
FULL = TemplateSettings(
    applied_for=("REPLICATION",),
    description="what it was",
    tag_mutability="IMMUTABLE_WITH_EXCLUSION",
    exclusions=("latest",),
    resource_tags=(("team", "one"),),
    repository_policy="a policy",
    lifecycle_policy="a lifecycle policy",
    custom_role_arn="arn:aws:iam::000000000000:role/ecr",
)


def template(prefix: str, *scenarios: Scenario) -> Template:
    """A template of a prefix."""
    return Template(prefix, TemplateSettings(applied_for=scenarios), 0, 0)


def test_the_longest_prefix_wins() -> None:
    """However the templates are ordered, and with or without a slash."""
    templates = [template(one, "CREATE_ON_PUSH") for one in (ROOT, "prod/team/", "prod", "prod/team/app")]

    for listed in (templates, templates[::-1]):
        chosen = select_template(listed, "prod/team/app", "CREATE_ON_PUSH")
        assert chosen is not None
        assert chosen.prefix == "prod/team/"


def test_a_template_for_another_scenario_is_passed_over() -> None:
    """A shorter prefix that is applied wins over a longer one that is not."""
    templates = [template("prod", "CREATE_ON_PUSH"), template("prod/team", "REPLICATION", "PULL_THROUGH_CACHE")]

    assert select_template(templates, "prod/team/app", "CREATE_ON_PUSH") == templates[0]


@given(TEMPLATES, NAMES, SCENARIOS)
def test_the_choice_is_the_longest_of_all_that_fit(
    prefixes: dict[str, tuple[str, frozenset[Scenario]]], name: str, scenario: Scenario
) -> None:
    """As found by looking at every template."""
    templates = [
        template(prefix if prefix == ROOT else prefix + slash, *scenarios)
        for prefix, (slash, scenarios) in prefixes.items()
    ]
    fitting = [prefix for prefix, (_, scenarios) in prefixes.items() if scenario in scenarios]
    covering = [prefix for prefix in fitting if prefix == ROOT or name.startswith(f"{prefix}/")]
    best = max(covering, key=lambda prefix: -1 if prefix == ROOT else len(prefix), default=None)

    chosen = select_template(templates, name, scenario)

    assert (chosen.prefix.removesuffix("/") if chosen else None) == best
    assert best is None or best in covering_prefixes(name)


def test_a_change_of_nothing_changes_nothing() -> None:
    """Members that are not given stay."""
    assert changed(FULL, TemplateChange()) == FULL


def test_given_members_replace_what_was_there() -> None:
    """Each of them, and lists as a whole."""
    change = TemplateChange(
        applied_for=("CREATE_ON_PUSH", "REPLICATION", "CREATE_ON_PUSH"),
        description="what it is",
        tag_mutability="MUTABLE_WITH_EXCLUSION",
        exclusions=("v*",),
        encryption_type="KMS",
        resource_tags=(("team", "two"), ("cost", "3")),
        repository_policy="another policy",
        lifecycle_policy="another lifecycle policy",
        custom_role_arn="arn:aws:iam::000000000000:role/other",
    )

    result = changed(FULL, change)

    assert result.applied_for == ("CREATE_ON_PUSH", "REPLICATION")
    for field in fields(change):
        if field.name != "applied_for":
            assert getattr(result, field.name) == getattr(change, field.name)


def test_empty_members_are_taken_away() -> None:
    """An empty text is how the service model lets a policy be removed."""
    change = TemplateChange(
        description="", repository_policy="", lifecycle_policy="", custom_role_arn="", resource_tags=()
    )

    assert changed(FULL, change) == TemplateSettings(
        applied_for=FULL.applied_for, tag_mutability=FULL.tag_mutability, exclusions=FULL.exclusions
    )


def test_a_mutability_without_exclusions_ends_them() -> None:
    """No request can name an empty list of filters."""
    assert changed(FULL, TemplateChange(tag_mutability="IMMUTABLE")) == replace(
        FULL, tag_mutability="IMMUTABLE", exclusions=()
    )
    assert changed(FULL, TemplateChange(tag_mutability="MUTABLE_WITH_EXCLUSION")) == replace(
        FULL, tag_mutability="MUTABLE_WITH_EXCLUSION"
    )


def test_a_kms_key_belongs_to_the_encryption_that_it_is_given_with() -> None:
    """Another encryption without a key has none; AES256 has none whatever is given; nothing given changes nothing."""
    before = changed(FULL, TemplateChange(encryption_type="KMS", kms_key="arn"))

    assert before.kms_key == "arn"
    assert changed(before, TemplateChange(description="other")).kms_key == "arn"
    assert changed(before, TemplateChange(encryption_type="KMS_DSSE")).kms_key is None
    assert changed(before, TemplateChange(encryption_type="KMS", kms_key="")).kms_key is None
    assert changed(before, TemplateChange(encryption_type="AES256", kms_key="arn")).kms_key is None
