"""HTTPS: whether a certificate and its key can be used, and taking new ones without a stop."""

from typing import Any

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from granian.constants import SSLProtocols
from granian.server.mp import MPServer

from entrepot.server.data_folder import CannotStart
from entrepot.server.settings import Settings

SMALLEST_RSA = 2048

log = structlog.get_logger()


class Server(MPServer):
    """Granian, which at SIGHUP starts workers with the certificate that is there then, and ends the others.

    One of bad files is told in the log, and changes nothing.
    """

    def __init__(self, settings: Settings, **options: Any) -> None:
        check_certificate(settings)
        # A type that granian has no types for makes all of the signature unknown.
        super().__init__("entrepot", **options)  # pyright: ignore[reportUnknownMemberType]
        self._settings = settings
        self._load()

    def signal_handler_reload(self, *args: Any, **kwargs: Any) -> None:
        """Called at SIGHUP, in the main thread."""
        try:
            check_certificate(self._settings)
        except CannotStart as error:
            log.error("the certificate stays as it is", reason=error.reason)  # noqa: TRY400 (it has no cause to show)
            return
        self._load()
        super().signal_handler_reload(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType] (granian has no types for them)

    def _load(self) -> None:
        """Have workers that start from now on read the files. Granian keeps where symbolic links lead to now."""
        certificate, key = self._settings.tls_certificate, self._settings.tls_key
        self.build_ssl_context(certificate, key, None, SSLProtocols.tls12, None, [], client_verify=False)


def check_certificate(settings: Settings) -> None:
    """See that the certificate and the key of the settings can be used; raises CannotStart."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return
    try:
        key = load_pem_private_key(settings.tls_key.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CannotStart(f"the tls_key {settings.tls_key} cannot be used: {error}") from None
    if not _is_supported(key):
        raise CannotStart(
            f"the tls_key {settings.tls_key} is neither RSA of 2,048 bits or more, nor ECDSA on P-256 or P-384, "
            "nor Ed25519"
        )
    try:
        chain = load_pem_x509_certificates(settings.tls_certificate.read_bytes())
    except (OSError, ValueError) as error:
        raise CannotStart(f"the tls_certificate {settings.tls_certificate} cannot be used: {error}") from None
    if chain[0].public_key() != key.public_key():
        raise CannotStart(
            f"the first certificate of {settings.tls_certificate} is not that of the key {settings.tls_key}"
        )


def _is_supported(key: object) -> bool:
    """What rustls signs with."""
    match key:
        case RSAPrivateKey():
            return key.key_size >= SMALLEST_RSA
        case EllipticCurvePrivateKey():
            return isinstance(key.curve, SECP256R1 | SECP384R1)
        case _:
            return isinstance(key, Ed25519PrivateKey)
