import numpy as np
import pytest

from ganonymization import Anonymizer
from ganonymization.demo import astronaut
from ganonymization.detect.base import DetectorOptions
from ganonymization.detect.blazeface import BlazeFace
from ganonymization.evaluation.recogniser import SAME_PERSON, DlibRecogniser
from ganonymization.landmarks.facemesh import FaceMesh
from ganonymization.locate import find_landmarks


@pytest.mark.slow
def test_a_face_is_nearer_to_itself_in_other_light_than_to_another():
    """The other face is one that the generator draws."""
    recogniser, landmarker = DlibRecogniser(), FaceMesh()
    picture = astronaut()
    (face, *_) = BlazeFace(DetectorOptions())(picture)
    points = find_landmarks(picture, face, landmarker)
    darker = (picture * 0.7).astype(np.uint8)
    nobody = Anonymizer(detector="blazeface")(picture, seed=3).image
    same = recogniser(picture, points)
    assert same.shape == (128,)
    other_light = np.linalg.norm(same - recogniser(darker, points))
    assert other_light < SAME_PERSON / 3
    assert np.linalg.norm(same - recogniser(nobody, points)) > 2 * other_light
