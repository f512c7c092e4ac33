"""Denials are summed up."""

from entrepot.core.partitions import RegistryId
from entrepot.features.audit.denials import CAPACITY, Denial, Denials, Denied


def denial(resource: str = "app") -> Denial:
    """Somebody refused a resource."""
    return Denial(
        RegistryId("000000000000", "us-east-1"), "arn:aws:iam::000000000000:user/u", "ecr:X", resource, ""
    )


def test_the_same_denial_again_is_one_sum() -> None:
    """With its first and last time."""
    denials = Denials()
    for at in (5, 7, 9):
        denials.add(denial(), at)

    assert denials.take() == ({denial(): Denied(3, 5, 9)}, 0)


def test_denials_of_too_many_sorts_are_counted_together() -> None:
    """A client that asks for ever new names fills nothing."""
    denials = Denials()
    for number in range(CAPACITY + 3):
        denials.add(denial(f"app-{number}"), 1)

    sums, dropped = denials.take()

    assert (len(sums), dropped) == (CAPACITY, 3)


def test_what_was_taken_is_not_taken_again() -> None:
    """Each denial is written once."""
    denials = Denials()
    denials.add(denial(), 1)
    denials.take()

    assert denials.take() == ({}, 0)
