"""The SQL of creation templates."""

from collections.abc import Collection
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection

from entrepot.core.partitions import RegistryId
from entrepot.core.prefixes import covering_prefixes
from entrepot.features.templates.errors import TemplateAlreadyExists, TemplateNotFound
from entrepot.features.templates.template import Template, TemplateSettings
from entrepot.metadata.prefix_documents import PrefixDocument, PrefixDocuments
from entrepot.metadata.tables import creation_templates

_documents = PrefixDocuments(creation_templates)


@dataclass(frozen=True, slots=True)
class _Document:
    """What the document of a row holds; the row's own prefix is the key, this one as it was spelled."""

    prefix: str
    settings: TemplateSettings


def create(connection: Connection, registry: RegistryId, template: Template) -> None:
    """Store a new template; raises TemplateAlreadyExists."""
    new = PrefixDocument(_encode(template), template.created_at, template.updated_at)
    if not _documents.create(connection, registry, template.prefix, new):
        raise TemplateAlreadyExists(template.prefix, registry.account)


def count(connection: Connection, registry: RegistryId) -> int:
    """How many templates there are, this transaction's own included; waits for others that count."""
    return _documents.count(connection, registry)


def find_and_lock(connection: Connection, registry: RegistryId, prefix: str) -> Template:
    """The template of a prefix, which nobody else changes before this transaction ends.

    Raises TemplateNotFound.
    """
    return _found(_documents.find_and_lock(connection, registry, prefix), registry, prefix)


def find_page(
    connection: Connection, registry: RegistryId, *, prefixes: Collection[str], after: str, limit: int
) -> list[Template]:
    """At most ``limit`` templates by prefix, after ``after``, in byte order; only those named, if any are."""
    page = _documents.find_page(connection, registry, prefixes=prefixes, after=after, limit=limit)
    return [_template(one) for one in page]


def find_covering(connection: Connection, registry: RegistryId, repository: str) -> list[Template]:
    """Every template whose prefix covers a repository, in no order."""
    found = _documents.find(connection, registry, covering_prefixes(repository))
    return [_template(one) for one in found.values()]


def replace_settings(connection: Connection, registry: RegistryId, template: Template) -> None:
    """Store a template, found and locked before, as it is now."""
    _documents.replace(connection, registry, template.prefix, _encode(template), template.updated_at)


def remove(connection: Connection, registry: RegistryId, prefix: str) -> Template:
    """Delete the template of a prefix; gives what it was. Raises TemplateNotFound."""
    return _found(_documents.remove(connection, registry, prefix), registry, prefix)


def _found(stored: PrefixDocument | None, registry: RegistryId, prefix: str) -> Template:
    if stored is None:
        raise TemplateNotFound(prefix, registry.account)
    return _template(stored)


def _encode(template: Template) -> str:
    return msgspec.json.encode(_Document(template.prefix, template.settings)).decode()


def _template(stored: PrefixDocument) -> Template:
    document = msgspec.json.decode(stored.document, type=_Document)
    return Template(document.prefix, document.settings, stored.created_at, stored.updated_at)
