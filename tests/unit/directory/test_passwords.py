"""Passwords: what fits, what does not, and that nothing makes a check raise."""

from threading import Event, Thread

import pytest

from gateway.directory import passwords
from gateway.directory.passwords import (
    HashingLimit,
    check_password_policy,
    hash_password,
    is_same_password,
    verify_password,
)
from gateway.errors import InputError, Reason, Throttled
from gateway.secret import Secret
from tests.unit.directory.world import refused

pytestmark = pytest.mark.usefixtures("full_price")
PASSWORD = Secret("correct horse")


def test_hash_password__twice__argon2id_with_a_salt_of_its_own() -> None:
    first, second = hash_password(PASSWORD), hash_password(PASSWORD)
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert first != second
    assert verify_password(first, PASSWORD)
    assert not verify_password(first, Secret("correct horsf"))


@pytest.mark.parametrize(
    "damaged",
    ["", "x", "$argon2id$", "$argon2id$v=19$m=65536,t=3,p=4$AAAA$AAAA", "$argon2id$v=19$m=-1,t=3,p=4$c2FsdHNhbHQ$aGFzaA",
     "$2b$12$abcdefghijklmnopqrstuv", "\0", "é", "\ud800"],
    ids=ascii,
)  # fmt: skip
def test_verify_password__damaged_hash__does_not_fit_and_does_not_raise(damaged: str) -> None:
    assert not verify_password(damaged, PASSWORD)


@pytest.mark.parametrize("text", ["", "\0", "\ud800", "x" * 1_000_000], ids=lambda text: ascii(text[:9]))
def test_verify_password__odd_password__does_not_fit_and_does_not_raise(text: str) -> None:
    assert not verify_password(hash_password(PASSWORD), Secret(text))
    assert not verify_password(None, Secret(text))


@pytest.mark.parametrize("password_hash", [None, "$argon2id$damaged"], ids=["nobody", "damaged"])
def test_verify_password__nothing_to_check_against__takes_the_usual_effort(
    password_hash: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    efforts: list[str] = []
    monkeypatch.setattr(passwords, "_refuse", lambda nobody, _text: efforts.append(nobody))
    verify_password(password_hash, PASSWORD)
    assert [effort.rsplit("$", 2)[0] for effort in efforts] == [hash_password(PASSWORD).rsplit("$", 2)[0]]


def test_verify_password__unknown_user__no_text_fits() -> None:
    assert not verify_password(None, Secret("nobody has this password: it is longer than passwords may be"))


@pytest.mark.parametrize(
    ("text", "accepted"),
    [("x" * 7, False), ("x" * 8, True), ("x" * 32, True), ("x" * 33, False), ("pass\0word", False), ("\ud800" * 8, False),
     ("pässwörd", True)],
    ids=ascii,
)  # fmt: skip
def test_check_password_policy__length__8_to_32(text: str, accepted: bool) -> None:
    if accepted:
        check_password_policy(Secret(text))
    else:
        with refused(InputError, Reason.PASSWORD_TOO_WEAK, "Password"):
            check_password_policy(Secret(text))


def test_turn__all_taken__refused_until_one_is_given_back() -> None:
    limit = HashingLimit(at_once=2, wait_s=0)
    with limit.turn():
        with limit.turn(), pytest.raises(Throttled) as refused, limit.turn():
            pass
        assert (refused.value.reason, refused.value.retry_after_s) == (Reason.LOGIN_THROTTLED, 1)
        with limit.turn():
            pass


def test_turn__block_fails__is_given_back() -> None:
    limit = HashingLimit(at_once=1, wait_s=0)
    with pytest.raises(ZeroDivisionError), limit.turn():
        raise ZeroDivisionError
    with limit.turn():
        pass


def test_hash_password__like_another__has_its_salt_and_is_equal_for_equal_passwords() -> None:
    first = hash_password(Secret("pr\u00e9sident"))
    again = hash_password(Secret("pre\u0301sident"), like=first)
    assert again == first
    other = hash_password(PASSWORD, like=first)
    assert is_same_password(first, other, PASSWORD) is False
    assert is_same_password(first, again, Secret("pr\u00e9sident")) is True


@pytest.mark.parametrize(
    "like",
    ["", "$argon2id$", "$argon2id$v=19$m=65536,t=2,p=4$c2FsdHNhbHQ$aGFzaA", "$argon2id$v=19$m=65536,t=3,p=4$!$x"],
)
def test_hash_password__like_a_damaged_or_old_one__has_a_salt_of_its_own(like: str) -> None:
    made = hash_password(PASSWORD, like=like)
    assert verify_password(made, PASSWORD)
    assert is_same_password(made, hash_password(PASSWORD, like=like), PASSWORD)


@pytest.mark.parametrize("text", ["x" * 1_000_000, "a" + "\u0301\u0327" * 500_000], ids=["long", "marks"])
def test_verify_password__very_long__is_refused_without_being_composed(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed: list[int] = []

    def compose(seen: str) -> str:
        composed.append(len(seen))
        return seen

    monkeypatch.setattr(passwords, "_composed", compose)
    assert not verify_password(hash_password(PASSWORD), Secret(text))
    assert max(composed) <= len(PASSWORD.reveal())


def test_long_turn__one_at_a_time__beside_the_others() -> None:
    limit = HashingLimit(at_once=1, wait_s=0)
    with limit.long_turn(), limit.turn():
        with pytest.raises(Throttled) as refused, limit.long_turn():
            pass
        assert (refused.value.reason, refused.value.retry_after_s) == (Reason.LOGIN_THROTTLED, 1)
    with limit.long_turn():
        pass


def test_turns__many_wait__some_threads_are_left_for_others() -> None:
    """Whoever waits holds a thread: with a password of one's own to change, one could have had all of them."""
    limit, entered, leave = HashingLimit(at_once=1, wait_s=60, threads=4), Event(), Event()

    def hash_slowly() -> None:
        with limit.long_turn():
            entered.set()
            leave.wait(60)

    holder, waiting = Thread(target=hash_slowly), Thread(target=hash_slowly)
    holder.start()
    assert entered.wait(60)
    waiting.start()
    refusals: list[Reason] = []
    while not refusals:  # as soon as the second one waits
        try:
            with limit.turn():
                pass
        except Throttled as refused:
            refusals.append(refused.reason)
    with pytest.raises(Throttled), limit.long_turn():
        pass
    leave.set()
    holder.join()
    waiting.join()
    assert refusals == [Reason.LOGIN_THROTTLED]
    with limit.long_turn():
        pass
