"""Which clients have requests under way: whose silence is patience."""

from entrepot.server.connections import Address

#: A client as a scope names it, by granian with the port as text; None where its socket has no address.
Client = tuple[str, str | int] | None


class Requests:
    """The requests of a process, by the connections they came on."""

    def __init__(self) -> None:
        self._under_way: dict[Client, int] = {}

    def begin(self, client: Client) -> None:
        """Called when a request has come; on HTTP/2 a connection has several at once."""
        self._under_way[client] = self._under_way.get(client, 0) + 1

    def end(self, client: Client) -> None:
        """Called when the application has done with one."""
        left = self._under_way[client] - 1
        if left:
            self._under_way[client] = left
        else:
            del self._under_way[client]

    def clients(self) -> set[Address]:
        """Those that have at least one under way."""
        return {(client[0], int(client[1])) for client in self._under_way if client is not None}
