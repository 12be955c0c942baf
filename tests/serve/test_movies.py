import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import av
import pytest

from ganonymization.config import AnonymizerConfig
from ganonymization.errors import InputError
from ganonymization.serve import movies
from ganonymization.serve.job import Job, Order
from ganonymization.serve.job_checks import JobCancelledError, Watchdog
from ganonymization.serve.movies import MovieProcesses, job_ended
from ganonymization.serve.settings import Limits, shares

from ..video.test_container import make_clip, pictures

LIMITS = Limits(movie_bytes=2_000_000_000)


@pytest.fixture
def job(tmp_path):
    """A clip of six frames that has come."""
    make_clip(tmp_path / "in.mp4", pictures(6)).rename(tmp_path / "upload")
    return Job(Order(tmp_path, 1), lambda: pytest.fail("the models are not this process's"))


def done(job, limits=LIMITS):
    work = MovieProcesses(AnonymizerConfig(model="plain", detector="blazeface").with_threads(1))
    work(job, limits, Watchdog(job, limits))


@pytest.mark.slow
def test_a_video_is_done_in_a_process_that_tells_how_far_it_is(job):
    done(job)
    assert (job.done, job.total) == (6, 6)
    with av.open(job.result) as movie:
        assert sum(1 for _ in movie.decode(video=0)) == 6


@pytest.mark.slow
@pytest.mark.parametrize("memory", [120_000_000, 200_000_000])
def test_what_takes_too_much_memory_fails_with_words(job, memory):
    with pytest.raises(InputError, match="needs too much memory"):
        done(job, replace(LIMITS, movie_bytes=memory))


@pytest.mark.slow
def test_its_own_errors_are_told(job):
    with pytest.raises(InputError, match="larger or longer than this server allows"):
        done(job, replace(LIMITS, frames=3))


def test_two_gigabytes_are_enough_for_full_hd_and_four_are_the_default():
    two = shares(2)
    assert two["frame_pixels"] >= 1920 * 1080 and two["pixels"] > 40_000_000
    assert shares(4).items() <= vars(Limits()).items()
    assert shares(100)["pixels"] == 100_000_000


def fake(monkeypatch, *messages, hangs=False):
    """A process that answers so; what is asked of it is noted."""
    noted = SimpleNamespace(ended=False)
    left = list(messages)

    class Child:
        def __init__(self, *_):
            self.channel = self

        def send(self, *_):
            pass

        def comes(self, within_s):
            time.sleep(0.01)
            return not hangs

        def receive(self, within_s):
            if not left:
                raise EOFError
            return left.pop(0)

        def end(self):
            noted.ended = True

    monkeypatch.setattr(movies, "Child", Child)
    return noted


def test_a_cancelled_job_ends_its_process_at_once(job, monkeypatch):
    noted = fake(monkeypatch, hangs=True)
    threading.Timer(0.3, job.stop.set).start()
    start = time.monotonic()
    with pytest.raises(JobCancelledError):
        done(job)
    assert noted.ended and time.monotonic() - start < 2


def test_a_process_that_breaks_is_told(job, monkeypatch):
    for answers in ([], [{}], [{"done": "many"}], [{"done": None}]):
        noted = fake(monkeypatch, *answers)
        with pytest.raises(InputError, match="breaks what decodes it"):
            done(job)
        assert noted.ended


def test_a_bug_is_the_servers():
    with pytest.raises(RuntimeError, match="KeyError"):
        job_ended(None, {"bug": "KeyError"})
