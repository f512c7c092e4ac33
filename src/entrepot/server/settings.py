"""Settings: from the command line, the environment, ``entrepot.toml``, in this order of precedence.

A field's name is the option (``create_on_push``: ``--create-on-push``), the key in the file, and the variable
(``ENTREPOT_CREATE_ON_PUSH``). The configuration reference is made from this module.
"""

import re
import tomllib
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from entrepot.core.address import PublicURL
from entrepot.core.errors import EntrepotError, Invalid
from entrepot.core.partitions import RegistryId, check_region

PREFIX = "ENTREPOT_"
FILE = Path("entrepot.toml")

#: No host at all is one that the parameters name: the folder of a Unix socket.
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*)(:[0-9]{1,5})?")
_DATABASE = re.compile(r"/[^/@]+")
MASTER_KEY_SIZE = 32
MIB, GIB = 2**20, 2**30


@dataclass(eq=False)
class BadSetting(Invalid):
    """A setting that cannot be used."""

    name: str
    reason: str

    template: ClassVar[str] = "the setting {name} is bad: {reason}"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of a registry, checked."""

    listen: Annotated[str, Meta(description="Address and port to listen on.")] = "127.0.0.1:5000"
    data: Annotated[Path, Meta(description="The folder for the database, the layers and the keys.")] = Path("data")
    database: Annotated[
        str | None,
        Meta(
            description="The PostgreSQL database, as postgresql://USER:PASSWORD@HOST:PORT/NAME. Default: SQLite in"
            " the data folder."
        ),
    ] = None
    storage: Annotated[
        Annotated[str, Meta(pattern="^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._=-]+)*/?$")] | None,
        Meta(description="The S3 bucket for the layers, as s3://BUCKET/PREFIX. Default: the data folder."),
    ] = None
    s3_endpoint: Annotated[
        Annotated[str, Meta(pattern="^https?://[^/]+/?$")] | None,
        Meta(description="The URL of the S3 server. Default: AWS's own for the region."),
    ] = None
    s3_region: Annotated[str | None, Meta(description="The region of the bucket. Default: as boto3 finds it.")] = (
        None
    )
    s3_redirect: Annotated[
        bool, Meta(description="Send clients that download a layer to the bucket, by a presigned URL.")
    ] = False
    s3_redirect_endpoint: Annotated[
        Annotated[str, Meta(pattern="^https?://[^/]+/?$")] | None,
        Meta(description="The URL of the S3 server as clients reach it. Default: s3_endpoint."),
    ] = None
    s3_redirect_seconds: Annotated[
        int, Meta(ge=60, le=3600, description="Seconds for which a presigned URL works.")
    ] = 900
    s3_cache: Annotated[
        Path | None,
        Meta(
            description="A folder of this machine alone that keeps what is read from the bucket, and may be lost."
            " Default: nothing is kept."
        ),
    ] = None
    s3_cache_bytes: Annotated[
        int, Meta(ge=64 * MIB, description="The bytes that s3_cache may have, of all processes together.")
    ] = 10 * GIB
    tls_certificate: Annotated[
        Path | None,
        Meta(
            description="The certificate chain for HTTPS, a PEM file; it and tls_key are read again at SIGHUP."
            " Default: plain HTTP."
        ),
    ] = None
    tls_key: Annotated[
        Path | None,
        Meta(description="The private key of tls_certificate, a PEM file without a password."),
    ] = None
    encrypt_at_rest: Annotated[
        bool,
        Meta(
            description="Encrypt what is pushed to repositories of encryption AES256 under the master key. What"
            " was there before stays in plain."
        ),
    ] = False
    kms: Annotated[
        Literal["local", "aws"],
        Meta(
            description="Where the KMS keys are: local for the keyring in the data folder ('entrepot kms'), aws"
            " for AWS KMS or what speaks its API."
        ),
    ] = "local"
    kms_keyring: Annotated[
        Path | None,
        Meta(
            description="The keyring of kms local: for registries that share database and storage, one file that"
            " all of them reach. Default: keyring.json in the data folder."
        ),
    ] = None
    kms_endpoint: Annotated[
        Annotated[str, Meta(pattern="^https?://[^/]+/?$")] | None,
        Meta(description="The URL of the KMS. Default: AWS's own for the region."),
    ] = None
    kms_region: Annotated[str | None, Meta(description="The region of the KMS. Default: as region.")] = None
    workers: Annotated[int, Meta(ge=1, le=64, description="Processes that answer requests.")] = 1
    public_url: Annotated[
        str | None,
        Meta(
            description="How clients reach the registry: decides repositoryUri and proxyEndpoint. May hold"
            " {account}, {region} and {suffix}. Default: http://localhost, or https:// with TLS, and the port"
            " listened on."
        ),
    ] = None
    account_id: Annotated[
        str, Meta(pattern="^[0-9]{12}$", description="The AWS account that the registry belongs to.")
    ] = "000000000000"
    region: Annotated[str, Meta(description="The region of clients that name none.")] = "us-east-1"
    access_key_id: Annotated[
        Annotated[str, Meta(pattern="^[A-Za-z0-9_]{16,128}$")] | None,
        Meta(
            description="The root access key. Default: made on first start and kept in the data folder.",
        ),
    ] = None
    secret_access_key: Annotated[
        Annotated[str, Meta(min_length=16, max_length=256)] | None,
        Meta(description="The root access key's secret."),
    ] = None
    master_key: Annotated[
        str | None,
        Meta(
            description="The master key, 32 bytes in hexadecimal or base64: the same for all registries of one"
            " database. Default: made on first start and kept in the data folder."
        ),
    ] = None
    background_worker: Annotated[
        bool,
        Meta(description="Tidy up and collect garbage beside serving; false where 'entrepot worker' does it."),
    ] = True
    create_on_push: Annotated[
        bool, Meta(description="Let a push make the repository it goes to, with ECR's default settings.")
    ] = False
    anonymous_pull: Annotated[
        bool,
        Meta(
            description="Let clients without credentials pull from repositories whose policy allows it to"
            ' everybody (Principal "*").'
        ),
    ] = False
    trusted_proxies: Annotated[
        str,
        Meta(
            description="Addresses and networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are"
            " believed, separated by commas."
        ),
    ] = ""
    profile: Annotated[
        Literal["oci", "ecr"],
        Meta(description="How to answer under /v2/: oci as OCI's specification has it, ecr as Amazon ECR does."),
    ] = "oci"
    catalog: Annotated[
        bool,
        Meta(
            description="Offer GET /v2/_catalog, which lists the repositories that the caller may describe."
            " ECR has no catalog."
        ),
    ] = False
    sparse_manifests: Annotated[
        bool,
        Meta(
            description="Accept a manifest although a layer or an image that it names is not in its repository."
            " ECR refuses it."
        ),
    ] = False
    quotas: Annotated[
        Literal["off", "ecr"],
        Meta(description="off, or ecr for ECR's default quotas of calls a second, repositories and images."),
    ] = "off"
    history_days: Annotated[
        int, Meta(ge=1, le=36500, description="Days for which tag moves and audit records are kept.")
    ] = 90
    undelete_days: Annotated[
        int,
        Meta(
            ge=0,
            le=36500,
            description="Days for which deleted images and repositories are kept to be had back, on disk too; 0 to"
            " keep none. At most history_days.",
        ),
    ] = 1
    access_log: Annotated[bool, Meta(description="Log every request, not only those that fail.")] = False

    SECRETS: ClassVar[frozenset[str]] = frozenset({"database", "secret_access_key", "master_key"})

    @classmethod
    def load(cls, options: Mapping[str, object], environment: Mapping[str, str], file: Path | None) -> Self:
        """Put the settings together and check them; raises BadSetting.

        ``options`` that are None count as not given. Without ``file``, ``entrepot.toml`` in the working folder
        is read if it is there.
        """
        given: dict[str, object] = {}
        for source, values in (
            (str(file or FILE), _read_file(file)),
            ("the environment", _read_environment(environment, cls.__struct_fields__)),
            ("the command line", {key: value for key, value in options.items() if value is not None}),
        ):
            for name, value in values.items():
                if name not in cls.__struct_fields__:
                    raise BadSetting(name, f"{source} has no such setting")
                given[name] = value
        settings = cls._convert(given)
        settings.check()
        return settings

    @classmethod
    def _convert(cls, given: Mapping[str, object]) -> Self:
        for name, value in given.items():
            try:
                msgspec.convert({name: value}, cls, strict=False, dec_hook=_convert_path)
            except msgspec.ValidationError as error:
                raise BadSetting(name, str(error).partition(" - at")[0]) from None
        return msgspec.convert(given, cls, strict=False, dec_hook=_convert_path)

    def check(self) -> None:
        """What the types cannot say; raises BadSetting."""
        host, _, port = self.listen.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
            raise BadSetting("listen", f"'{self.listen}' is not of the form ADDRESS:PORT")
        try:
            ip_address(self.host)
        except ValueError:
            raise BadSetting("listen", f"'{host}' is no IP address, and not localhost") from None
        if self.database is not None and not _is_postgresql_url(self.database):
            raise BadSetting(
                "database",
                "it is not of the form postgresql://USER:PASSWORD@HOST:PORT/NAME, with every character of the user"
                " and the password that is neither a letter nor a digit percent-encoded",
            )
        self._check_all_have_a_use()
        if self.undelete_days > self.history_days:
            raise BadSetting("undelete_days", "it is more than history_days: tags come back by their history")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise BadSetting("tls_certificate", "tls_certificate and tls_key are given together or not at all")
        self._check_keys()
        try:
            _ = self.trusted_networks
        except ValueError as error:
            raise BadSetting("trusted_proxies", str(error)) from None
        try:
            check_region(self.region, "region")
            _ = self.address
        except EntrepotError as error:
            raise BadSetting("region or public_url", error.message) from None

    def _check_all_have_a_use(self) -> None:
        if self.storage is None and (self.s3_endpoint or self.s3_region or self.s3_redirect or self.s3_cache):
            raise BadSetting("storage", "without it the settings that begin with s3_ have no use")
        if self.kms != "aws" and (self.kms_endpoint or self.kms_region):
            raise BadSetting("kms", "unless it is aws, kms_endpoint and kms_region have no use")
        if self.kms != "local" and self.kms_keyring:
            raise BadSetting("kms", "unless it is local, kms_keyring has no use")

    def _check_keys(self) -> None:
        try:
            _ = self.given_master_key
        except ValueError:
            raise BadSetting("master_key", "it is not 32 bytes in hexadecimal or base64") from None
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise BadSetting(
                "access_key_id", "access_key_id and secret_access_key are given together or not at all"
            )

    @property
    def host(self) -> str:
        """The IP address to listen on, without the brackets of IPv6."""
        host = self.listen.rpartition(":")[0].strip("[]")
        return "127.0.0.1" if host == "localhost" else host

    @property
    def scheme(self) -> str:
        """``http``, or ``https`` with a certificate."""
        return "http" if self.tls_certificate is None else "https"

    @property
    def port(self) -> int:
        """The port to listen on."""
        return int(self.listen.rpartition(":")[2])

    @property
    def address(self) -> PublicURL:
        """How clients reach the registry."""
        return PublicURL.parse(self.public_url or f"{self.scheme}://localhost:{self.port}")

    @property
    def given_master_key(self) -> bytes | None:
        """The bytes of ``master_key``; raises ValueError for what is not 32 bytes."""
        text = self.master_key
        if text is None:
            return None
        key = bytes.fromhex(text) if len(text) == 2 * MASTER_KEY_SIZE else b64decode(text, validate=True)
        if len(key) != MASTER_KEY_SIZE:
            raise ValueError(len(key))
        return key

    @property
    def is_shared(self) -> bool:
        """Whether rows and layers are where other registries reach them, which the data folder is not."""
        return self.database is not None and self.storage is not None

    @property
    def trusted_networks(self) -> Sequence[IPv4Network | IPv6Network]:
        """The networks of ``trusted_proxies``; raises ValueError for anything else."""
        return [ip_network(part.strip()) for part in self.trusted_proxies.split(",") if part.strip()]

    @property
    def registry(self) -> RegistryId:
        """The registry of clients that name none."""
        return RegistryId(self.account_id, self.region)

    def shown(self) -> dict[str, object]:
        """Every setting with its value, secrets hidden."""
        values: dict[str, object] = msgspec.to_builtins(msgspec.structs.asdict(self), enc_hook=str)
        return {
            name: "(hidden)" if name in self.SECRETS and value is not None else value
            for name, value in values.items()
        }

    def __repr__(self) -> str:
        return f"Settings({self.shown()})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """What rich prints instead of ``repr``; msgspec's own would show every field."""
        return list(self.shown().items())


def _is_postgresql_url(text: str) -> bool:
    """Whether a text has the parts of one. What the parts are worth, the driver and the server know."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    hosts = parts.netloc.rpartition("@")[2].split(",")
    return (
        parts.scheme in {"postgresql", "postgres"}
        and all(_HOST_AND_PORT.fullmatch(host) for host in hosts)
        and _DATABASE.fullmatch(parts.path) is not None
        and not parts.fragment
    )


def _convert_path(kind: type, value: object) -> Path:
    """A path from a file or the environment: the one type of a setting that msgspec does not know."""
    if kind is not Path or not isinstance(value, str | Path):
        raise ValueError(f"Expected a path, got {value!r}")
    return Path(value)


def _read_file(file: Path | None) -> Mapping[str, object]:
    path = file or FILE
    if file is None and not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting("config", f"{path} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise BadSetting("config", f"{path} is not TOML: {error}") from None


def _read_environment(environment: Mapping[str, str], names: tuple[str, ...]) -> Mapping[str, object]:
    """The variables of settings. Others with the prefix are left alone: they may be anybody's."""
    variables = {name: PREFIX + name.upper() for name in names}
    return {name: environment[variable] for name, variable in variables.items() if variable in environment}
