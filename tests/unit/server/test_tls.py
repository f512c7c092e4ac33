"""Certificates and keys that cannot be used are refused before anything is served, and named."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from tests.certificates import Authority

from entrepot.server.data_folder import CannotStart
from entrepot.server.settings import BadSetting, Settings
from entrepot.server.tls import check_certificate

KEYS = {
    "RSA of 1,024 bits": rsa.generate_private_key(65537, 1024),
    "P-521": ec.generate_private_key(ec.SECP521R1()),
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a certificate and its key."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    Authority.made_in(tmp_path).issue(certificate, key)
    return Settings(tls_certificate=certificate, tls_key=key)


def path_of(setting: Path | None) -> Path:
    """The file that a setting names."""
    assert setting is not None
    return setting


def refusal(settings: Settings) -> str:
    """Why the certificate is refused."""
    with pytest.raises(CannotStart) as refused:
        check_certificate(settings)
    return refused.value.message


def test_a_certificate_with_its_key_is_good(settings: Settings) -> None:
    """And none at all is: plain HTTP."""
    check_certificate(settings)
    check_certificate(Settings())


def test_a_key_of_another_certificate_is_refused(settings: Settings, tmp_path: Path) -> None:
    """Both files are named, for either may be the wrong one."""
    Authority.made_in(tmp_path).issue(tmp_path / "other.pem", path_of(settings.tls_key))

    said = refusal(settings)

    assert str(settings.tls_certificate) in said
    assert str(settings.tls_key) in said


@pytest.mark.parametrize("content", [None, b"", b"no PEM", b"-----BEGIN CERTIFICATE-----\n"])
@pytest.mark.parametrize("name", ["tls_certificate", "tls_key"])
def test_a_file_that_cannot_be_read_is_named(settings: Settings, name: str, content: bytes | None) -> None:
    """Missing, empty, something else, or broken off."""
    path = path_of(getattr(settings, name))
    path.unlink() if content is None else path.write_bytes(content)

    assert f"the {name} {path} cannot be used" in refusal(settings)


def test_a_key_with_a_password_is_refused(settings: Settings) -> None:
    """Nobody is asked for it: nobody may be there."""
    password = BestAvailableEncryption(b"password")
    key = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, password)
    path_of(settings.tls_key).write_bytes(key)

    assert "encrypted" in refusal(settings)


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_that_cannot_sign_here_is_refused(settings: Settings, kind: str) -> None:
    """The server would end at once, and start again, and end."""
    key = KEYS[kind].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path_of(settings.tls_key).write_bytes(key)

    assert "neither RSA" in refusal(settings)


@pytest.mark.parametrize("name", ["tls_certificate", "tls_key"])
def test_one_without_the_other_is_refused(name: str) -> None:
    """Neither is of any use alone."""
    with pytest.raises(BadSetting, match="given together"):
        Settings.load({name: "file.pem"}, {}, None)


def test_with_a_certificate_the_default_url_is_https() -> None:
    """It is in every repositoryUri and proxyEndpoint."""
    plain = Settings.load({"listen": "127.0.0.1:5000"}, {}, None)
    secure = Settings.load({"listen": "127.0.0.1:5000", "tls_certificate": "c.pem", "tls_key": "k.pem"}, {}, None)

    assert plain.address.template == "http://localhost:5000"
    assert secure.address.template == "https://localhost:5000"
    assert secure.shown()["tls_key"] == "k.pem"
