import numpy as np
import pytest

from ganonymization.demo import astronaut
from ganonymization.detect.base import DetectorOptions
from ganonymization.detect.blazeface import BlazeFace
from ganonymization.evaluation.recogniser import SAME_PERSON, DlibRecogniser
from ganonymization.landmarks.facemesh import FaceMesh
from ganonymization.locate import find_landmarks


@pytest.mark.slow
def test_a_face_is_nearer_to_itself_in_other_light_than_to_another():
    recogniser, landmarker = DlibRecogniser(), FaceMesh()
    picture = astronaut()
    (face, *_) = BlazeFace(DetectorOptions())(picture)
    points = find_landmarks(picture, face, landmarker)
    darker = (picture * 0.7).astype(np.uint8)
    squeezed = np.ascontiguousarray(picture[:, ::-1])
    first, second = recogniser(picture, points), recogniser(darker, points)
    assert first.shape == (128,)
    assert np.linalg.norm(first - second) < SAME_PERSON / 3
    mirrored = points.copy()
    mirrored[:, 0] = picture.shape[1] - 1 - mirrored[:, 0]
    assert np.linalg.norm(first - recogniser(squeezed, mirrored)) < SAME_PERSON
