import hashlib

import numpy as np

from ganonymization import seeds


def test_splitmix_gives_the_published_numbers():
    """First outputs for seed 1234567, as in the reference implementation of SplitMix64."""
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    stream = seeds._uniform(1234567)
    assert [next(stream) for _ in published] == [(v >> 11) / 2**53 for v in published]


def test_a_face_seed_is_the_documented_hash():
    digest = hashlib.sha256(b"7\na/b.jpg\n2").digest()
    assert seeds.face_seed(7, "a/b.jpg", 2) == int.from_bytes(digest[:8], "little")


def test_styles_are_standard_normal_and_repeat():
    numbers = np.concatenate([seeds.style(s, 16) for s in range(2000)])
    assert abs(numbers.mean()) < 0.02
    assert abs(numbers.std() - 1) < 0.02
    assert np.isfinite(numbers).all()
    assert np.array_equal(seeds.style(5, 16), seeds.style(5, 16))
    assert not np.array_equal(seeds.style(5, 16), seeds.style(6, 16))


def test_an_odd_number_of_styles_is_a_prefix():
    assert np.array_equal(seeds.style(9, 15), seeds.style(9, 16)[:15])


def test_fresh_seeds_survive_json():
    drawn = {seeds.fresh_seed() for _ in range(50)}
    assert len(drawn) == 50
    assert all(0 <= s < 2**53 for s in drawn)
