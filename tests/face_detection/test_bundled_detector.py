"""The file that ships: its size, its promises, and that it finds a face."""

import hashlib

import numpy as np
import onnx

from canthus.detectors import BuiltinDetector
from canthus.detectors.builtin import bundled_detector
from canthus.face_detection.evaluation import held_out_set
from canthus.face_detection.scoring import Picture, recall


def test_size_parameters_and_card():
    path = bundled_detector()
    content = path.read_bytes()
    assert len(content) <= 1.5e6
    weights = onnx.load_from_string(content).graph.initializer
    assert sum(np.prod(item.dims) for item in weights if item.data_type == onnx.TensorProto.FLOAT) <= 0.3e6
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    assert hashlib.sha256(content).hexdigest() in card
    assert "non-commercial" in card and "non-commercial" in BuiltinDetector().card["licence"]


def test_finds_nothing_in_noise_and_grey():
    detector = BuiltinDetector()
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    assert len(detector(noise)) == 0 and len(detector(np.full((64, 64, 3), 128, np.uint8))) == 0


def test_finds_nearly_all_faces_of_some_test_photos(data):
    detector = BuiltinDetector()
    pictures = held_out_set(data).faces["helen_test"][::10]
    seen = [Picture(detector(image), truth, image.shape[1], image.shape[0]) for image, truth in pictures]
    assert recall(seen, 0.0) >= 95.0
