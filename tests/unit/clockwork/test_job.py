"""Jobs take turns, whichever process looks first."""

from datetime import timedelta

from gateway.clockwork.job import Job, run_due
from gateway.services import Services
from tests.fake_clock import FakeClock


def _job(done: list[str], name: str = "sweep", *, breaks: bool = False) -> Job:
    def run(_services: Services) -> None:
        done.append(name)
        if breaks:
            raise RuntimeError("broken")

    return Job(name, timedelta(minutes=5), run)


def test_run_due__a_new_job__is_done_at_once_and_then_after_its_time(services: Services, clock: FakeClock) -> None:
    done: list[str] = []
    job = _job(done)
    assert run_due(services, [job]) == ("sweep",)
    assert run_due(services, [job]) == ()
    clock.advance(300)
    assert run_due(services, [job]) == ("sweep",)
    assert done == ["sweep", "sweep"]


def test_run_due__a_job_that_fails__does_not_keep_others_from_their_turn(services: Services) -> None:
    done: list[str] = []
    assert run_due(services, [_job(done, "first", breaks=True), _job(done, "second")]) == ("first", "second")
    assert done == ["first", "second"]
