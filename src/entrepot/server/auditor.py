"""The auditor as a command, beside a registry that may be running or not."""

import asyncio
from collections.abc import Callable

from entrepot.features.auditor.findings import KeptFinding, Progress
from entrepot.operations import auditor
from entrepot.operations.auditor import AuditReport, Choices
from entrepot.server.settings import Settings
from entrepot.server.wiring import opened_for_auditing, opened_to_use


def run(settings: Settings, choices: Choices, tell: Callable[[Progress], None]) -> AuditReport:
    """Go on with the audit that was broken off, or begin one, and see it to its end.

    Raises CannotStart, MetadataUnavailable, SchemaTooOld, SchemaTooNew, WrongMasterKey, WrongStorage,
    StorageUnavailable, KeyServiceUnavailable, AuditorBusy, AuditTakenOver. SIGINT breaks it off.
    """

    async def audit() -> AuditReport:
        async with opened_for_auditing(settings) as services:
            return await auditor.audit(services, choices, tell)

    return asyncio.run(audit())


def report(settings: Settings) -> AuditReport | None:
    """How far the audit has come, and what it has found; None before the first one."""

    async def read() -> AuditReport | None:
        async with opened_to_use(settings) as metadata:
            return await auditor.report_audit(metadata)

    return asyncio.run(read())


def list_findings(settings: Settings, take: Callable[[KeptFinding], None]) -> None:
    """Give each finding of the audit to ``take``, in the order in which they were found."""

    async def read() -> None:
        async with opened_to_use(settings) as metadata:
            async for finding in auditor.list_findings(metadata):
                take(finding)

    asyncio.run(read())
