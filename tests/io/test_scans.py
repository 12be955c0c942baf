import io
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from ganonymization.errors import UnreadableError
from ganonymization.io import images
from ganonymization.io.scans import count_scans

from . import hostile


def jpeg(**options):
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 48, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file, "JPEG", **options)
    return file.getvalue()


def test_scans_are_counted_by_markers_not_by_what_looks_like_them():
    assert count_scans(jpeg(), 99) == 1
    assert count_scans(jpeg(restart_marker_blocks=1), 99) == 1
    assert count_scans(jpeg(comment=b"\xff\xda" * 50), 99) == 1
    assert count_scans(jpeg() + jpeg(), 99) == 1  # only the first picture is read
    assert 2 < count_scans(jpeg(progressive=True), 99) < 20
    assert count_scans(hostile.scans(64, 30), 99) == 31
    assert count_scans(hostile.scans(64, 30), 7) == 7
    assert count_scans(b"", 9) == count_scans(b"\xff\xda", 0) == 0


def refused(content, words, max_pixels=images.DEFAULT_MAX_PIXELS):
    start = time.process_time()
    with pytest.raises(UnreadableError, match=words):
        images.decode(io.BytesIO(content), "a", max_pixels)
    assert time.process_time() - start < 2


def test_what_takes_long_to_decode_is_refused_at_once():
    refused(hostile.pages(40_000), "holds more than 100 pictures; give one of them")
    refused(hostile.scans(9000, 400), "a JPEG of more than 29 scans; save it anew")
    refused(hostile.scans(64, 400), "more than 100 scans")
    refused(hostile.scans(64, 40), "more than 20 scans", 64 * 64)


def test_usual_scans_are_read():
    for content in (jpeg(progressive=True), hostile.scans(64, 89)):
        assert images.decode(io.BytesIO(content), "a", 90 * 64 * 64 // 20).pixels.shape[0] == 64


def test_deep_grey_takes_little_more_memory_than_its_pixels(tmp_path):
    (tmp_path / "deep.png").write_bytes(hostile.deep_png(5000))
    code = (
        "import resource, sys; from pathlib import Path; from ganonymization.io import images;"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "images.read(Path(sys.argv[1]));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "deep.png"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(run.stdout) * 1024 < 25_000_000 * 14
