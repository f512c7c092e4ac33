"""Denials are summed up."""

from entrepot.core.partitions import RegistryId
from entrepot.features.audit.denials import (
    ANONYMOUS,
    CAPACITY,
    LONGEST,
    MOST_WRITTEN,
    SHARE,
    Denial,
    Denials,
    Denied,
)
from entrepot.features.identity.principal import ANONYMOUS as NOBODY


def denial(resource: str = "app", principal: str = "arn:aws:iam::000000000000:user/u", reason: str = "") -> Denial:
    """Somebody refused a resource."""
    return Denial(RegistryId("000000000000", "us-east-1"), principal, "ecr:X", resource, reason)


def added(*each: Denial) -> Denials:
    """Denials of these, one after the other."""
    denials = Denials()
    for one in each:
        denials.add(one, 1)
    return denials


def test_the_same_denial_again_is_one_sum() -> None:
    """With its first and last time."""
    denials = Denials()
    for at in (5, 7, 9):
        denials.add(denial(), at)

    assert denials.take() == ({denial(): Denied(3, 5, 9)}, 0)


def test_denials_of_too_many_sorts_are_counted_together() -> None:
    """A client that asks for ever new names fills nothing."""
    denials = added(*(denial(f"app-{number}") for number in range(SHARE + 3)))

    sums, others = denials.take()

    assert (len(sums), others) == (SHARE, 3)


def test_who_floods_pushes_nobody_out() -> None:
    """However often the flooder was denied before: everybody's largest sort is written before anybody's second."""
    flood = [denial(f"app-{number}", "flooder") for number in range(100) for _ in range(50)]
    honest = [denial("app", f"user-{number}") for number in range(MOST_WRITTEN - 1)]

    sums, others = added(*flood, *honest).take()

    assert set(honest) <= set(sums)
    assert (len(sums), others) == (MOST_WRITTEN, 99 * 50)


def test_the_largest_sorts_are_written() -> None:
    """The others are one number."""
    principals = [f"user-{number}" for number in range(MOST_WRITTEN + 5)]
    often = [denial("app", principal) for principal in principals[5:]]

    sums, others = added(*(denial("app", principal) for principal in principals), *often, *often).take()

    assert (list(sums), others) == (often, 5)
    assert {denied.count for denied in sums.values()} == {3}


def test_all_sessions_of_a_role_have_one_share() -> None:
    """They choose their names themselves; those of another role, or of another account, have their own."""
    role = "arn:aws:sts::000000000000:assumed-role"
    sessions = [denial("app", f"{role}/deployer/session-{number}") for number in range(100)]
    others = [denial("app", f"{role}/builder/me"), denial("app", f"{role.replace('000', '111')}/deployer/me")]

    sums, rest = added(*sessions, *others).take()

    assert sums.keys() == {*sessions[:SHARE], *others}
    assert rest == 100 - SHARE


def test_of_nobody_only_the_action_is_told() -> None:
    """Who has no credentials asks for whatever he likes."""
    denials = added(*(denial(f"app-{number}", ANONYMOUS, "because of app") for number in range(100)))

    assert denials.take() == ({denial("", ANONYMOUS): Denied(100, 1, 1)}, 0)
    assert NOBODY.arn == ANONYMOUS


def test_a_record_is_bounded() -> None:
    """Whatever was asked for, and for whatever reason it was denied."""
    (sort,) = added(denial("x" * 5_000, reason="y" * 5_000)).take()[0]

    assert sort == denial("x" * LONGEST, reason="y" * LONGEST)


def test_what_is_counted_is_bounded() -> None:
    """However many principals there are."""
    denials = added(*(denial("app", f"user-{number}") for number in range(CAPACITY + 7)))

    sums, others = denials.take()

    assert (len(sums), others) == (MOST_WRITTEN, CAPACITY + 7 - MOST_WRITTEN)
    assert len(denials._sums) == 0  # pyright: ignore[reportPrivateUsage]


def test_what_was_taken_is_not_taken_again() -> None:
    """Each denial is written once."""
    denials = Denials()
    denials.add(denial(), 1)
    denials.take()

    assert denials.take() == ({}, 0)
