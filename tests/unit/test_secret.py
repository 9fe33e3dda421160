import pickle

import pytest

from gateway.secret import Secret


def test_secret__every_way_of_printing__shows_stars() -> None:
    secret = Secret("hunter2")

    for shown in (
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret:>20}",
        str([secret]),
        str({"k": secret}),
    ):
        assert "hunter2" not in shown
        assert "***" in shown


def test_secret__equality__compares_content() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_secret__pickle__is_refused() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret("a"))
