"""Certificates for 127.0.0.1 and localhost, of an authority that lives as long as the tests."""

import datetime as dt
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority; ``file`` has its certificate, for clients to trust."""

    file: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def made_in(cls, folder: Path) -> Self:
        """A new one."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("an authority of tests")
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        certificate = _builder(name, name, key).add_extension(constraints, critical=True).sign(key, SHA256())
        file = folder / "authority.pem"
        file.write_bytes(certificate.public_bytes(Encoding.PEM))
        return cls(file, certificate, key)

    def issue(self, certificate_file: Path, key_file: Path, form: PrivateFormat = PrivateFormat.PKCS8) -> int:
        """Write a new certificate and its key; gives the certificate's serial number."""
        key = ec.generate_private_key(ec.SECP256R1())
        hosts = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        certificate = (
            _builder(_name("a registry"), self.certificate.subject, key)
            .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
            .sign(self.key, SHA256())
        )
        key_file.write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
        certificate_file.write_bytes(certificate.public_bytes(Encoding.PEM))
        return certificate.serial_number


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 (clients compare it with their own clocks)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
    )
