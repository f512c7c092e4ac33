"""The address under which clients know a registry."""

import re
from dataclasses import dataclass

from entrepot.core.errors import InvalidParameter
from entrepot.core.partitions import RegistryId, partition_of

_URL = re.compile(r"https?://([0-9A-Za-z.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class PublicURL:
    """A URL without a path, which may have ``{account}``, ``{region}`` and ``{suffix}`` in its host.

    ``http://localhost:5000`` needs no DNS, and docker trusts it without TLS;
    ``https://{account}.dkr.ecr.{region}.{suffix}`` gives each registry the host name that ECR's would have.
    """

    template: str

    @classmethod
    def parse(cls, template: str) -> "PublicURL":
        """Check a template; raises InvalidParameter."""
        url = cls(template.rstrip("/"))
        try:
            sound = _URL.fullmatch(url.endpoint(RegistryId("000000000000", "us-east-1")))
        except (AttributeError, LookupError, TypeError, ValueError):  # all that str.format makes of bad templates
            sound = None
        if sound is None:
            raise InvalidParameter("public_url", "must be http:// or https:// and a host, without a path")
        return url

    def endpoint(self, registry: RegistryId) -> str:
        """The URL of a registry: ECR's proxyEndpoint."""
        return self.template.format(
            account=registry.account,
            region=registry.region,
            suffix=partition_of(registry.region).dns_suffix,
        )

    def repository_uri(self, registry: RegistryId, name: str) -> str:
        """What docker calls the repository: host, port and name without a scheme."""
        return f"{self.endpoint(registry).partition('://')[2]}/{name}"

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return self.template.partition("://")[0]
