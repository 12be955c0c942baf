import zipfile

import av
import pytest
from playwright.sync_api import expect

from ganonymization.cli.demo import astronaut

from ..video.test_container import make_clip
from .material import CAMERA_FACE, RATE, REDRAWN, camera_face, difference, encoded, file
from .steps import saved

pytestmark = pytest.mark.web


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A second of a face with a tone, as MP4."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    make_clip(path, camera_face(), rate=RATE, tones=1)
    return path


@pytest.fixture
def video(open_page):
    return open_page(tab="video")


def send(page, path):
    page.get_by_test_id("video-input").set_input_files(path)
    return page.get_by_test_id("job").filter(has_text=path.name)


def test_a_video_is_followed_and_saved(video, clip):
    video.get_by_test_id("jobs").evaluate(
        """list => {
          window.told = [];
          new MutationObserver(() => {
            const words = list.querySelector('[data-testid=job-words]')?.textContent;
            const value = list.querySelector('progress')?.value;
            window.told.push([words, value]);
          }).observe(list, { subtree: true, childList: true, characterData: true });
        }"""
    )
    job = send(video, clip)
    expect(job).to_have_attribute("data-state", "done", timeout=60_000)
    told = video.evaluate("() => window.told")
    running = [share for words, share in told if words.endswith(f" of {RATE} frames")]
    assert running and all(0 <= share <= 1 for share in running)
    expect(job.get_by_test_id("job-words")).to_contain_text(f"{RATE} frames, {RATE} faces")
    path, name = saved(job.get_by_test_id("job-save"))
    assert name == "clip-anon.mp4"
    with av.open(str(path)) as container:
        assert len(container.streams.audio) == 1
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == RATE
    for seen, sent in zip(frames[::7], camera_face()[::7], strict=True):
        assert difference(seen[CAMERA_FACE], sent[CAMERA_FACE]) > REDRAWN
        assert difference(seen[300:], sent[300:]) < 5


def test_a_job_is_removed(video, clip):
    video.get_by_test_id("video-sound-off").check()
    job = send(video, clip)
    expect(job).to_have_attribute("data-state", "done", timeout=60_000)
    with av.open(str(saved(job.get_by_test_id("job-save"))[0])) as container:
        assert not container.streams.audio
    job.get_by_test_id("job-stop").click()
    expect(job).to_have_count(0)


def test_a_job_is_cancelled(video, tmp_path):
    path = tmp_path / "long.mp4"
    make_clip(path, camera_face() * 10, rate=RATE)
    job = send(video, path)
    expect(job).to_have_attribute("data-state", "running")
    job.get_by_test_id("job-stop").click()
    expect(job).to_have_attribute("data-state", "cancelled")
    expect(job.get_by_test_id("job-save")).to_be_hidden()


def test_a_zip_of_pictures_comes_back_as_one(video, tmp_path):
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.png", encoded(astronaut()))
        packed.writestr("folder/b.png", encoded(astronaut()[:, ::-1].copy()))
    job = send(video, path)
    expect(job).to_have_attribute("data-state", "done", timeout=60_000)
    with zipfile.ZipFile(saved(job.get_by_test_id("job-save"))[0]) as packed:
        assert {"a.png", "folder/b.png", "manifest.jsonl"} <= set(packed.namelist())


def test_what_is_no_video_is_told(video):
    video.get_by_test_id("video-input").set_input_files([file("words.txt", b"words")])
    expect(video.get_by_test_id("video-error")).to_contain_text("Left out: words.txt")
    video.get_by_test_id("video-input").set_input_files([file("broken.mp4", b"words")])
    job = video.get_by_test_id("job").filter(has_text="broken.mp4")
    expect(job).to_have_attribute("data-state", "failed")
