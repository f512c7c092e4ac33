"""Which master key goes with a database, on both kinds of them."""

import asyncio
from collections.abc import Callable

import pytest

from entrepot.metadata.master_key import WrongMasterKey, claim_master_key, replace_master_key
from entrepot.metadata.port import Metadata
from entrepot.metadata.schema import migrate

OpenMetadata = Callable[[], Metadata]
OURS, OTHER = "0123456789abcdef", "fedcba9876543210"


@pytest.fixture
async def metadata(open_metadata: OpenMetadata) -> Metadata:
    """A database that no key goes with yet."""
    metadata = open_metadata()
    await metadata.write(migrate)
    return metadata


async def claim(metadata: Metadata, key_id: str) -> None:
    """What a registry does when it starts."""
    await metadata.write(lambda connection: claim_master_key(connection, key_id))


async def test_the_first_key_stays(metadata: Metadata) -> None:
    """Each further start with it passes, and none with another, which is named beside the right one."""
    await claim(metadata, OURS)
    await claim(metadata, OURS)

    with pytest.raises(WrongMasterKey, match=f"goes with the master key {OURS}, and this registry has {OTHER}"):
        await claim(metadata, OTHER)

    await claim(metadata, OURS)


async def test_of_two_replicas_that_start_with_different_keys_one_is_refused(
    metadata: Metadata, open_metadata: OpenMetadata
) -> None:
    """Also if they are the first two, and start in the same moment."""
    keys = {OURS: metadata, OTHER: open_metadata()}

    results = await asyncio.gather(*(claim(keys[key], key) for key in keys), return_exceptions=True)

    assert sorted(map(type, results), key=str) == [type(None), WrongMasterKey]


async def test_a_key_can_be_replaced(metadata: Metadata) -> None:
    """From then on the new one goes with the database, and the old one does not."""
    await claim(metadata, OURS)

    await metadata.write(lambda connection: replace_master_key(connection, OTHER))

    await claim(metadata, OTHER)
    with pytest.raises(WrongMasterKey):
        await claim(metadata, OURS)
