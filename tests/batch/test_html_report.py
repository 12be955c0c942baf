import json

import pytest

from ganonymization.batch.folder import FolderJob
from ganonymization.batch.html_report import REPORT, write_report
from ganonymization.batch.storage import LocalStorage
from ganonymization.errors import OutputError


def line(file, status="done", outputs=(), **more):
    return {"file": file, "status": status, "outputs": list(outputs), "faces": [], "tracks": [],
            "error": None, **more}  # fmt: skip


def written(folder, *lines, place="{}-report"):
    place = folder / place.format("out")
    place.mkdir()
    (place / "manifest.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))


def page_of(folder, seed=1):
    folders = LocalStorage(folder / "in"), LocalStorage(folder / "out")
    write_report(FolderJob(None, *folders, seed))
    return (folder / "out-report" / REPORT).read_text()


def test_counts_failures_and_a_sample_are_shown(tmp_path):
    written(
        tmp_path,
        line("bad.png", "failed", error="<b>bad.png</b>: empty"),
        line("a b.png", outputs=["sub/a b.png"], faces=[{"outcome": "synthesized"}]),
        line("c.png", "no face", ["c.png"]),
        line("v.mp4", outputs=["v.mp4"], tracks=[{}, {}]),
    )
    page = page_of(tmp_path)
    assert (
        "4 files" in page
        and "<td>2</td><td>done</td><td>every face that was found is redrawn</td>" in page
    )
    assert "&lt;b&gt;bad.png&lt;/b&gt;: empty" in page and "<b>" not in page
    assert 'src="../out/sub/a%20b.png"' in page and 'src="v.mp4.png"' in page
    assert "1 faces in pictures, 0 of them covered" in page and "2 faces followed" in page


def test_the_last_word_about_a_file_counts(tmp_path):
    written(tmp_path, line("a.png", "failed", error="gone"), line("a.png", outputs=["a.png"]))
    page = page_of(tmp_path)
    assert "gone" not in page and "1 files" in page


def test_the_sample_is_drawn_by_the_seed_and_bounded(tmp_path):
    written(tmp_path, *(line(f"{i}.png", outputs=[f"{i}.png"]) for i in range(300)))
    one, again, other = (page_of(tmp_path, seed) for seed in (1, 1, 2))
    assert one == again != other
    assert one.count("<img") == 48


def test_a_page_that_cannot_be_written_is_one_error(tmp_path):
    written(tmp_path, line("a.png", outputs=["a.png"]))
    (tmp_path / "out-report" / "report.html").mkdir()
    with pytest.raises(OutputError):
        page_of(tmp_path)


def test_lines_of_an_earlier_version_are_counted(tmp_path):
    old = line("a.png", outputs=["a.png"])
    del old["tracks"]
    video = line("v.mp4", outputs=["v.mp4", "v.mp4.json", "v.mp4.png"], tracks=[{}, {}])
    written(tmp_path, old, video, place="{}")
    page = page_of(tmp_path)
    assert "2 files" in page and 'src="../out/v.mp4.png"' in page
