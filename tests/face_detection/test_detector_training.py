"""The training learns, its files come back, and the exported graph gives the same numbers."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from canthus.detectors import BuiltinDetector
from canthus.face_detection.checkpoint import load_checkpoint, load_weights, save_checkpoint
from canthus.face_detection.composition import Composer
from canthus.face_detection.export import check_parity, export_detector
from canthus.face_detection.labels import Labels
from canthus.face_detection.loop import (
    ComposedBatches,
    ExponentialAverage,
    learning_rate_factor,
    make_optimizer,
    training_step,
)
from canthus.face_detection.mining import with_hard_negatives
from canthus.face_detection.network import DeployedDetector, FaceDetector, normalize
from canthus.face_detection.recipe import CompositionOptions, DetectorRecipe, TrainingOptions, read_recipe
from canthus.face_detection.scenes import make_scene
from canthus.face_detection.sources import HardPlace
from canthus.geometry import box_iou

SMALL = {"channels": (8, 8, 16, 16, 16), "depths": (0, 1, 0, 0), "head": 16}


@pytest.fixture(scope="module")
def recipe():
    return DetectorRecipe.model_validate(
        {"network": SMALL, "training": {"size": 96, "batch": 4, "steps": 2, "bfloat16": False}}
    )


def test_overfits_one_batch(material, recipe):
    torch.manual_seed(0)
    options = recipe.training
    batch = ComposedBatches(Composer(material.drawn_pools(), CompositionOptions(), 96), options)[1]
    assert batch["is_face"].any()
    network = FaceDetector(**SMALL)
    optimizer = make_optimizer(network, options)
    losses = []
    for _ in range(120):
        loss, parts = training_step(network, batch, options)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(parts)
    assert losses[-1]["box"] < 0.25 * losses[0]["box"]
    assert losses[-1]["score"] < 0.3 * losses[0]["score"]


def test_batches_depend_on_seed_and_number_only(material, recipe):
    batches = ComposedBatches(Composer(material.drawn_pools(), CompositionOptions(), 96), recipe.training)
    assert len(batches) == 2
    torch.testing.assert_close(batches[0]["images"], batches[0]["images"])
    assert (batches[0]["images"] != batches[1]["images"]).any()


def test_learning_rate_by_hand():
    options = TrainingOptions(steps=1100, warmup=100)
    assert learning_rate_factor(49, options) == pytest.approx(0.5)
    assert learning_rate_factor(100, options) == pytest.approx(1.0)
    assert learning_rate_factor(600, options) == pytest.approx(0.505)
    assert learning_rate_factor(1100, options) == pytest.approx(0.01)


def test_average_follows_the_network():
    network = FaceDetector(**SMALL)
    average = ExponentialAverage(network, 0.9)
    weight = network.outputs[0].bias
    values = []
    for value in (1.0, 2.0, 6.0):
        torch.nn.init.constant_(weight, value)
        average.update(network)
        values.append(float(average.network.outputs[0].bias[0].detach()))
    assert values == pytest.approx([1.0, 1.5, 3.0])  # a plain mean at first
    for _ in range(20):
        average.update(network)
    before = float(average.network.outputs[0].bias[0].detach())
    torch.nn.init.constant_(weight, before + 1)
    average.update(network)
    assert float(average.network.outputs[0].bias[0].detach()) == pytest.approx(before + 0.1, abs=1e-5)


def test_checkpoint_returns_weights_and_recipe(tmp_path, recipe):
    network = FaceDetector(**SMALL)
    save_checkpoint(network, recipe, tmp_path / "a.safetensors")
    loaded, found = load_checkpoint(tmp_path / "a.safetensors")
    assert found == recipe
    for name, value in network.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value)
    with pytest.raises(FileNotFoundError, match=r"b\.safetensors"):
        load_checkpoint(tmp_path / "b.safetensors")
    with pytest.raises(ValueError, match="do not fit"):
        load_weights(FaceDetector(), tmp_path / "a.safetensors")


def test_the_pixel_scale_is_in_the_deployed_weights():
    network = FaceDetector(**SMALL).eval()
    image = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    raw = network(normalize(image))
    scores = DeployedDetector(network)(image)[1]
    torch.testing.assert_close(scores, raw[0, :, 0].sigmoid(), atol=1e-6, rtol=0)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A network with some statistics, and its file."""
    torch.manual_seed(0)
    network = FaceDetector(**SMALL)
    with torch.no_grad():
        for _ in range(3):
            network(torch.rand(2, 3, 96, 96) * 2)
    path = tmp_path_factory.mktemp("exported") / "small.onnx"
    export_detector(network.eval(), path, score_threshold=0.001, nms_iou=0.4)
    return network, path


def test_exported_detector_runs_in_the_runtime(exported):
    network, path = exported
    detector = BuiltinDetector(path)
    assert (detector.score_threshold, detector.nms_iou) == (0.001, 0.4)
    assert "research" in detector.card["licence"] and detector.card["training_data"]
    image = np.random.default_rng(0).integers(0, 256, (90, 130, 3), dtype=np.uint8)
    found = detector(image)
    padded = torch.from_numpy(np.pad(image, ((0, 6), (0, 30), (0, 0)))[None])
    boxes, scores, five = (part.detach().numpy() for part in DeployedDetector(network)(padded))
    best = int(scores.argmax())
    np.testing.assert_allclose(found.scores[0], scores[best], atol=1e-5)
    np.testing.assert_allclose(found.boxes[0], boxes[best], atol=1e-3)
    np.testing.assert_allclose(found.five_points[0], five[best], atol=1e-3)
    assert list(path.parent.iterdir()) == [path]
    assert b".py" not in path.read_bytes()  # no traces of the machine it was made on


def test_parity_check_refuses_another_network(exported):
    torch.manual_seed(1)
    with pytest.raises(ValueError, match="differs from torch"):
        check_parity(DeployedDetector(FaceDetector(**SMALL)).eval(), exported[1].read_bytes())


def test_recipe_errors_name_the_key(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text("training:\n  stepps: 3\n")
    with pytest.raises(ValueError, match=r"training\.stepps"):
        read_recipe(path)
    with pytest.raises(FileNotFoundError):
        read_recipe(tmp_path / "none.yaml")


def test_hard_negatives_are_those_with_a_detection(material):
    pools = material.drawn_pools()
    network = FaceDetector(**SMALL)
    calm = with_hard_negatives(pools, network, 3)  # all scores are 0.01
    assert len(calm.negatives) == len(pools.negatives) and not calm.hard
    for output in network.outputs:
        torch.nn.init.constant_(output.bias[:1], 3.0)
    eager = with_hard_negatives(pools, network, 3)
    assert len(eager.negatives) == 4 * len(pools.negatives) and eager.hard
    for spot in eager.hard:
        assert len(spot.scene.labels) == 0 or box_iou(spot.box, spot.scene.labels.boxes).max() < 0.05
    assert with_hard_negatives(pools, network, 0) is pools


def test_hard_places_are_pasted(material):
    pools = material.drawn_pools()
    red = np.zeros((100, 100, 3), np.uint8)
    red[40:60, 40:60, 0] = 255
    spot = HardPlace(make_scene("red", red, Labels.empty()), np.array([40.0, 40, 60, 60]))
    grey = [make_scene("grey", np.full((120, 120, 3), 128, np.uint8), Labels.empty())]
    pools = replace(pools, negatives=grey, hard=(spot,))

    def pictures_with_red(hard_places: float) -> int:
        options = CompositionOptions(
            distractors=1, hard_places=hard_places, photo_distractors=0, base_negative=1
        )
        composer = Composer(pools, options, 96)
        seen = [composer(np.random.default_rng(seed)) for seed in range(20)]
        assert all(len(labels) == 0 for _, labels in seen)
        redness = [image[..., 0].astype(int) - image[..., 1:].max(-1) for image, _ in seen]
        return sum(np.ptp(values) > 40 for values in redness)

    assert pictures_with_red(1.0) > 10 > 3 > pictures_with_red(0.0)
