"""What every handler of ``/v2/`` is given."""

import msgspec

from entrepot.core.digest import Digest, check_digest
from entrepot.fronts.asgi import Request
from entrepot.fronts.oci.authentication import Authenticated
from entrepot.fronts.oci.profile import Profile
from entrepot.operations.caller import Caller
from entrepot.operations.services import Services


class Call(msgspec.Struct, frozen=True):
    """One authenticated request."""

    services: Services
    profile: Profile
    authenticated: Authenticated
    request: Request

    @property
    def caller(self) -> Caller:
        """Who is calling."""
        return self.authenticated.caller

    @property
    def base_url(self) -> str:
        """How the client reached us, without a path."""
        return f"{self.services.public_url.scheme}://{self.request.header(b'host') or ''}"

    def url(self, path: str) -> str:
        """A path of ours as Location and Link have it."""
        return f"{self.base_url}{path}" if self.profile.absolute_urls else path

    def check_digest(self, text: str, parameter: str) -> str:
        """The digest, if it is one; raises InvalidDigest, or InvalidParameter by ECR's grammar.

        ``parameter`` is what the API calls it.
        """
        if self.profile.oci_grammar:
            return str(Digest.parse(text))
        check_digest(text, parameter)
        return text
