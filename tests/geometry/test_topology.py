import numpy as np

from ganonymization.geometry import topology


def test_triangles_make_a_surface():
    """Every edge belongs to one or two triangles, and every surface point to some."""
    triangles = topology.triangles()
    assert triangles.shape == (852, 3)
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [0, 2]]].reshape(-1, 2), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert set(counts) == {1, 2}
    assert set(triangles.ravel()) == set(range(468))


def test_the_mirror_is_its_own_inverse_and_fits_the_canonical_face():
    mirror, face = topology.mirror(), topology.canonical_face()
    assert np.array_equal(mirror[mirror], np.arange(478))
    assert np.allclose(face[mirror] * [-1, 1, 1], face, atol=1e-5)
    assert mirror[topology.OUTER_EYE_LEFT] == topology.OUTER_EYE_RIGHT


def test_the_canonical_face_has_its_documented_frame():
    face = topology.canonical_face()
    eyes = face[[topology.OUTER_EYE_RIGHT, topology.OUTER_EYE_LEFT]]
    assert np.allclose(eyes.mean(0), 0, atol=1e-6)
    assert np.isclose(np.linalg.norm(eyes[1] - eyes[0]), 1)
    assert face[152, 1] > 0 > face[10, 1]  # chin below, forehead above
    assert face[1, 2] < face[234, 2]  # the nose is nearer than the temple


def test_rings_are_closed_along_mesh_edges():
    edges = {
        frozenset(p)
        for t in topology.triangles().tolist()
        for p in zip(t, [*t[1:], t[0]], strict=True)
    }
    for ring in (topology.FACE_OVAL, topology.LIPS_OUTER, topology.LIPS_INNER):
        for a, b in zip(ring, (*ring[1:], ring[0]), strict=True):
            assert frozenset((a, b)) in edges


def test_constants_cannot_be_changed_by_accident():
    assert not topology.canonical_face().flags.writeable
