"""Which clients have requests under way."""

from entrepot.server.requests import Requests

CLIENT = ("127.0.0.1", "50000")


def test_a_client_is_there_until_its_last_request_has_ended() -> None:
    """By HTTP/2 it has several at once."""
    requests = Requests()
    requests.begin(CLIENT)
    requests.begin(CLIENT)

    requests.end(CLIENT)
    before = requests.clients()
    requests.end(CLIENT)

    assert before == {("127.0.0.1", 50000)}
    assert requests.clients() == set()


def test_a_request_without_an_address_is_nobodys() -> None:
    """As one that came by a socket of another kind."""
    requests = Requests()
    requests.begin(None)

    assert requests.clients() == set()
