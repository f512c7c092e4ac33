"""The SQL of creation templates."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, select, update

from entrepot.core.partitions import RegistryId
from entrepot.core.prefixes import covering_prefixes, prefix_key
from entrepot.features.templates.errors import TemplateAlreadyExists, TemplateNotFound
from entrepot.features.templates.template import Template, TemplateSettings
from entrepot.metadata.insert import insert_if_absent
from entrepot.metadata.tables import creation_templates


@dataclass(frozen=True, slots=True)
class _Document:
    """What the document of a row holds; the row's own prefix is the key, this one as it was spelled."""

    prefix: str
    settings: TemplateSettings


def create(connection: Connection, registry: RegistryId, template: Template) -> None:
    """Store a new template; raises TemplateAlreadyExists."""
    row = {
        "account": registry.account,
        "region": registry.region,
        "prefix": prefix_key(template.prefix),
        "document": _encode(template),
        "created_at": template.created_at,
        "updated_at": template.updated_at,
    }
    if not insert_if_absent(connection, creation_templates, [row]):
        raise TemplateAlreadyExists(template.prefix, registry.account)


def count(connection: Connection, registry: RegistryId) -> int:
    """How many templates there are, this transaction's own included.

    Waits for others that count: on PostgreSQL a second statement sees what they committed meanwhile, so that two
    at once cannot both be the last that is allowed.
    """
    keys = select(creation_templates.c.prefix).where(_in(registry)).order_by(creation_templates.c.prefix)
    connection.execute(keys.with_for_update()).all()
    query = select(func.count()).select_from(creation_templates).where(_in(registry))
    return connection.scalars(query).one()


def find_and_lock(connection: Connection, registry: RegistryId, prefix: str) -> Template:
    """The template of a prefix, which nobody else changes before this transaction ends.

    Raises TemplateNotFound.
    """
    query = select(creation_templates).where(_is(registry, prefix)).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        raise TemplateNotFound(prefix, registry.account)
    return _template(row)


def find_page(
    connection: Connection, registry: RegistryId, *, prefixes: Collection[str], after: str, limit: int
) -> list[Template]:
    """At most ``limit`` templates whose prefix comes after ``after``, in byte order; only those named, if any are.

    Compares prefixes without the slash at their end.
    """
    query = select(creation_templates).where(_in(registry), creation_templates.c.prefix > after)
    if prefixes:
        query = query.where(creation_templates.c.prefix.in_({prefix_key(one) for one in prefixes}))
    return [_template(row) for row in connection.execute(query.order_by(creation_templates.c.prefix).limit(limit))]


def find_covering(connection: Connection, registry: RegistryId, repository: str) -> list[Template]:
    """Every template whose prefix covers a repository, in no order."""
    keys = covering_prefixes(repository)
    query = select(creation_templates).where(_in(registry), creation_templates.c.prefix.in_(keys))
    return [_template(row) for row in connection.execute(query)]


def replace_settings(connection: Connection, registry: RegistryId, template: Template) -> None:
    """Store a template, found and locked before, as it is now."""
    connection.execute(
        update(creation_templates)
        .where(_is(registry, template.prefix))
        .values(document=_encode(template), updated_at=template.updated_at)
    )


def remove(connection: Connection, registry: RegistryId, prefix: str) -> Template:
    """Delete the template of a prefix; gives what it was. Raises TemplateNotFound."""
    query = delete(creation_templates).where(_is(registry, prefix)).returning(creation_templates)
    row = connection.execute(query).first()
    if row is None:
        raise TemplateNotFound(prefix, registry.account)
    return _template(row)


def _in(registry: RegistryId) -> ColumnElement[bool]:
    return and_(creation_templates.c.account == registry.account, creation_templates.c.region == registry.region)


def _is(registry: RegistryId, prefix: str) -> ColumnElement[bool]:
    return and_(_in(registry), creation_templates.c.prefix == prefix_key(prefix))


def _encode(template: Template) -> str:
    return msgspec.json.encode(_Document(template.prefix, template.settings)).decode()


def _template(row: Row[*tuple[Any, ...]]) -> Template:
    document = msgspec.json.decode(row.document, type=_Document)
    return Template(document.prefix, document.settings, row.created_at, row.updated_at)
