import numpy as np
import onnx
import onnxruntime
import torch

from ganonymization import weights
from ganonymization.training.discriminator import FaceFeatures


def test_frozen_features_are_the_detectors_own():
    """The torch layers give what ONNX Runtime gives at the last tap."""
    model = onnx.load(str(weights.path_of("centerface")))
    features = FaceFeatures()
    tap = features.taps[-1]
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(tap))
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings)
    picture = torch.rand(1, 3, 32, 32) * 2 - 1
    blue_first = ((picture.flip(1) + 1) * 127.5).numpy()
    (expected,) = session.run([tap], {"input.1": blue_first})
    assert np.allclose(features._raw(picture)[-1].numpy(), expected, rtol=1e-3, atol=1e-2)
