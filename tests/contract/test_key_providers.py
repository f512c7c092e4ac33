"""The key providers: the keyring, and KMS's API at a real server."""

from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from tests.kms import KMSServer, answer_with, kms_server

from entrepot.core.clock import DAY
from entrepot.core.partitions import RegistryId
from entrepot.keys.aws import AWSKeyProvider, connect_kms
from entrepot.keys.keyring import Keyring
from entrepot.keys.local import LocalKeyProvider
from entrepot.keys.port import DEFAULT_ALIAS, KeyProvider, KeyServiceUnavailable, KeyUnusable
from entrepot.testing.registry import SettableClock

REGISTRY = RegistryId("123456789012", "us-east-1")  # moto's own account
CONTEXT = {"aws:ecr:arn": REGISTRY.repository_arn("app")}
ALIAS = "alias/team"


@pytest.fixture(scope="module")
def server() -> Iterator[KMSServer]:
    """One server for all tests."""
    with kms_server() as server:
        yield server


class Administration(Protocol):
    """What whoever owns the keys does with them."""

    def create(self, alias: str | None = None) -> str:
        """A new key; its ARN."""
        ...

    def rotate(self, arn: str) -> None:
        """New material."""
        ...

    def disable(self, arn: str) -> None:
        """Let it not be used."""
        ...

    def enable(self, arn: str) -> None:
        """Let it be used again."""
        ...

    def schedule_deletion(self, arn: str) -> None:
        """Let it be gone in a week."""
        ...


async def refusal(use: Awaitable[object]) -> tuple[str, str]:
    """What a use of a key is refused with: KMS's code and sentence."""
    with pytest.raises(KeyUnusable) as refused:
        await use
    return refused.value.kms_error, refused.value.reason


class KeyProviderContract:
    """The promises. A subclass provides the fixtures ``provider`` and ``keys``."""

    async def test_a_data_key_is_unwrapped_to_what_it_was(
        self, provider: KeyProvider, keys: Administration
    ) -> None:
        """Two of them are different, and what is wrapped does not show them."""
        arn = keys.create()

        one, other = [await provider.generate_data_key(arn, CONTEXT) for _ in range(2)]

        assert len(one.secret) == 32
        assert one.secret != other.secret
        assert one.secret not in one.wrapped
        assert await provider.decrypt(arn, one.wrapped, CONTEXT) == one.secret
        assert await provider.decrypt(arn, other.wrapped, CONTEXT) == other.secret

    async def test_a_key_is_found_by_all_its_names(self, provider: KeyProvider, keys: Administration) -> None:
        """Id, ARN, alias, alias's ARN."""
        arn = keys.create(ALIAS)

        names = [arn, arn.rpartition("/")[2], ALIAS, f"{arn.partition(':key/')[0]}:{ALIAS}"]

        assert [await provider.describe(name, REGISTRY) for name in names] == [arn] * 4

    async def test_what_was_wrapped_before_a_rotation_is_unwrapped(
        self, provider: KeyProvider, keys: Administration
    ) -> None:
        """However often the key was rotated."""
        arn = keys.create()
        made = [await provider.generate_data_key(arn, CONTEXT)]
        for _ in range(2):
            keys.rotate(arn)
            made.append(await provider.generate_data_key(arn, CONTEXT))

        opened = [await provider.decrypt(arn, key.wrapped, CONTEXT) for key in made]

        assert opened == [key.secret for key in made]

    async def test_a_disabled_key_is_refused_until_it_is_enabled(
        self, provider: KeyProvider, keys: Administration
    ) -> None:
        """At once."""
        arn = keys.create()

        keys.disable(arn)
        assert await refusal(provider.describe(arn, REGISTRY)) == ("DisabledException", f"{arn} is disabled.")

        keys.enable(arn)
        assert await provider.describe(arn, REGISTRY) == arn

    async def test_a_key_that_waits_for_its_deletion_is_refused(
        self, provider: KeyProvider, keys: Administration
    ) -> None:
        """By the code that KMS has for a key in the wrong state."""
        arn = keys.create()

        keys.schedule_deletion(arn)

        expected = ("KMSInvalidStateException", f"{arn} is pending deletion.")
        assert await refusal(provider.describe(arn, REGISTRY)) == expected

    @pytest.mark.parametrize("kind", ["key/00000000-0000-4000-8000-000000000000", "alias/missing"])
    async def test_a_key_that_is_not_there_is_refused(self, provider: KeyProvider, kind: str) -> None:
        """By id and by alias."""
        with pytest.raises(KeyUnusable) as refused:
            await provider.describe(f"arn:aws:kms:us-east-1:123456789012:{kind}", REGISTRY)

        assert refused.value.kms_error == "NotFoundException"

    async def test_a_data_key_goes_with_its_context(self, provider: KeyProvider, keys: Administration) -> None:
        """With another one it is not unwrapped, and not with none."""
        arn = keys.create()
        made = await provider.generate_data_key(arn, CONTEXT)

        for context in ({"aws:ecr:arn": REGISTRY.repository_arn("other")}, {}):
            with pytest.raises(KeyUnusable) as refused:
                await provider.decrypt(arn, made.wrapped, context)
            assert refused.value.kms_error == "InvalidCiphertextException"

    async def test_a_damaged_data_key_is_refused(self, provider: KeyProvider, keys: Administration) -> None:
        """Wherever it is damaged, and however short it is."""
        arn = keys.create()
        wrapped = (await provider.generate_data_key(arn, CONTEXT)).wrapped

        for damaged in (wrapped[:-1] + bytes([wrapped[-1] ^ 1]), wrapped[: len(wrapped) // 2], b"x"):
            with pytest.raises(KeyUnusable):
                await provider.decrypt(arn, damaged, CONTEXT)


class TestLocalKeyProvider(KeyProviderContract):
    """The keyring in the data folder."""

    @pytest.fixture
    def clock(self) -> SettableClock:
        """Time of the test's own."""
        return SettableClock()

    @pytest.fixture
    def keyring(self, tmp_path: Path, clock: SettableClock) -> Keyring:
        """As the command has it: another object than the provider's, over the same file."""
        return Keyring(tmp_path / "keyring.json", clock)

    @pytest.fixture
    def provider(self, tmp_path: Path, clock: SettableClock) -> LocalKeyProvider:
        """As a worker has it."""
        return LocalKeyProvider(Keyring(tmp_path / "keyring.json", clock))

    @pytest.fixture
    def keys(self, keyring: Keyring) -> Administration:
        """The keyring."""
        return _OfKeyring(keyring)

    async def test_the_default_key_is_there_when_it_is_asked_for(self, provider: KeyProvider) -> None:
        """And is the same the next time."""
        first = await provider.describe(DEFAULT_ALIAS, REGISTRY)

        assert first.startswith("arn:aws:kms:us-east-1:123456789012:key/")
        assert await provider.describe(DEFAULT_ALIAS, REGISTRY) == first

    async def test_a_key_that_is_not_enabled_wraps_and_unwraps_nothing(
        self, provider: KeyProvider, keys: Administration
    ) -> None:
        """Disabled or waiting for its deletion; what was wrapped before is as good as gone."""
        arn = keys.create()
        made = await provider.generate_data_key(arn, CONTEXT)

        keys.disable(arn)
        disabled = ("DisabledException", f"{arn} is disabled.")
        assert await refusal(provider.generate_data_key(arn, CONTEXT)) == disabled
        assert await refusal(provider.decrypt(arn, made.wrapped, CONTEXT)) == disabled

        keys.schedule_deletion(arn)
        leaving = ("KMSInvalidStateException", f"{arn} is pending deletion.")
        assert await refusal(provider.generate_data_key(arn, CONTEXT)) == leaving
        assert await refusal(provider.decrypt(arn, made.wrapped, CONTEXT)) == leaving

    async def test_the_data_key_of_another_key_is_refused(
        self, provider: KeyProvider, keys: Administration
    ) -> None:
        """The key's ARN is authenticated."""
        one, other = keys.create(), keys.create()
        made = await provider.generate_data_key(one, CONTEXT)

        with pytest.raises(KeyUnusable, match="not made with this key"):
            await provider.decrypt(other, made.wrapped, CONTEXT)

    async def test_a_key_whose_time_is_over_is_gone_for_good(
        self, provider: KeyProvider, keys: Administration, clock: SettableClock, tmp_path: Path
    ) -> None:
        """Its first use afterwards takes its material out of the file."""
        arn = keys.create(ALIAS)
        made = await provider.generate_data_key(arn, CONTEXT)
        keys.schedule_deletion(arn)
        clock.advance(7 * DAY)

        refused = await refusal(provider.decrypt(arn, made.wrapped, CONTEXT))

        assert refused == ("NotFoundException", f"Key '{arn}' does not exist")
        assert arn not in (tmp_path / "keyring.json").read_text()

    async def test_a_damaged_keyring_is_no_reason_to_go_on(
        self, provider: KeyProvider, keys: Administration, tmp_path: Path
    ) -> None:
        """It is told as KMS's own failure, without the path, and never written over."""
        arn = keys.create()
        path = tmp_path / "keyring.json"
        path.write_text("{")

        with pytest.raises(KeyServiceUnavailable) as refused:
            await provider.generate_data_key(arn, CONTEXT)
        with pytest.raises(KeyServiceUnavailable):
            await provider.describe(DEFAULT_ALIAS, REGISTRY)

        assert refused.value.kms_error == "KMSInternalException"
        assert str(tmp_path) not in refused.value.message
        assert path.read_text() == "{"


class _OfKeyring:
    """A keyring as Administration."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def create(self, alias: str | None = None) -> str:
        return self._keyring.create(REGISTRY, alias=alias).arn

    def rotate(self, arn: str) -> None:
        self._keyring.rotate(arn)

    def disable(self, arn: str) -> None:
        self._keyring.set_enabled(arn, enabled=False)

    def enable(self, arn: str) -> None:
        self._keyring.set_enabled(arn, enabled=True)

    def schedule_deletion(self, arn: str) -> None:
        self._keyring.schedule_deletion(arn, 7)


class TestAWSKeyProvider(KeyProviderContract):
    """KMS's API, at moto's server."""

    @pytest.fixture
    def provider(self, server: KMSServer, monkeypatch: pytest.MonkeyPatch) -> AWSKeyProvider:
        """With credentials from the environment, as boto3 finds them."""
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        return AWSKeyProvider(connect_kms(endpoint=server.endpoint, region=REGISTRY.region))

    @pytest.fixture
    def keys(self, server: KMSServer) -> Administration:
        """The API."""
        return _OfKMS(server.client())

    @pytest.mark.parametrize(
        ("code", "status", "error"),
        [
            ("DisabledException", 400, KeyUnusable),
            ("AccessDeniedException", 400, KeyUnusable),
            ("KMSInvalidStateException", 400, KeyUnusable),
            ("ThrottlingException", 400, KeyServiceUnavailable),
            ("KMSInternalException", 500, KeyServiceUnavailable),
        ],
    )
    async def test_what_the_service_refuses_is_told_in_its_words(
        self, server: KMSServer, code: str, status: int, error: type[KeyUnusable | KeyServiceUnavailable]
    ) -> None:
        """For every use; what may pass by itself is another error than what will not. moto refuses too little."""
        client = server.client()
        answer_with(client, code=code, status=status)
        provider = AWSKeyProvider(client)

        for use in (
            provider.describe("alias/team", REGISTRY),
            provider.generate_data_key("arn", CONTEXT),
            provider.decrypt("arn", b"wrapped", CONTEXT),
        ):
            with pytest.raises(error) as refused:
                await use
            assert (refused.value.kms_error, refused.value.reason) == (code, "refused")

    async def test_a_server_that_is_away_may_come_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nobody listens: that is no word about the key."""
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        provider = AWSKeyProvider(connect_kms(endpoint="http://127.0.0.1:9", region=REGISTRY.region))

        with pytest.raises(KeyServiceUnavailable) as refused:
            await provider.describe("alias/team", REGISTRY)

        assert refused.value.kms_error == "DependencyTimeoutException"


class _OfKMS:
    """The API as Administration."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def create(self, alias: str | None = None) -> str:
        arn = self._client.create_key()["KeyMetadata"]["Arn"]
        if alias is not None:
            self._client.create_alias(AliasName=alias, TargetKeyId=arn)
        return arn

    def rotate(self, arn: str) -> None:
        self._client.rotate_key_on_demand(KeyId=arn)

    def disable(self, arn: str) -> None:
        self._client.disable_key(KeyId=_id(arn))

    def enable(self, arn: str) -> None:
        self._client.enable_key(KeyId=_id(arn))

    def schedule_deletion(self, arn: str) -> None:
        self._client.schedule_key_deletion(KeyId=_id(arn), PendingWindowInDays=7)


def _id(arn: str) -> str:
    """Moto takes no ARN where KMS takes either."""
    return arn.rpartition("/")[2]
