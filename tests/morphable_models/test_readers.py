"""Shape models of others: files of their layout made by hand, and bad ones."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus.morphable_models import fit, read_model, sparse_model
from canthus.morphable_models.morphable_model import save_model
from canthus.morphable_models.pickles import read_pickle
from canthus.morphable_models.readers import read_whitened

VERTICES = 80


def interleaved(vertices: np.ndarray) -> np.ndarray:
    """Rows x, y, z of vertex after vertex; (..., V, 3) -> (3 V, ...)."""
    return np.moveaxis(vertices.reshape(*vertices.shape[:-2], -1), -1, 0)


def parts(identity: int = 40, expression: int = 10) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(5)
    shapes = [(VERTICES, 3), (identity, VERTICES, 3), (expression, VERTICES, 3)]
    return (*(random.normal(size=shape) for shape in shapes), random.permutation(VERTICES)[:68])


def tddfa_folder(folder: Path) -> tuple[np.ndarray, ...]:
    mean, identity, expression, landmarks = parts()
    folder.mkdir()
    np.save(folder / "u_shp.npy", interleaved(mean)[:, None] - 1.0)
    np.save(folder / "u_exp.npy", np.ones((3 * VERTICES, 1)))
    np.save(folder / "w_shp_sim.npy", interleaved(identity))
    np.save(folder / "w_exp_sim.npy", interleaved(expression))
    np.save(folder / "keypoints_sim.npy", (3 * landmarks[:, None] + np.arange(3)).ravel())
    whitening = {"param_mean": np.arange(102, dtype=np.float32), "param_std": np.full(102, 2, np.float32)}
    (folder / "param_whitening.pkl").write_bytes(pickle.dumps(whitening, protocol=2))
    return mean, identity, expression, landmarks


def test_synergynets_folder(tmp_path: Path) -> None:
    savemat = pytest.importorskip("scipy.io").savemat
    mean, identity, expression, landmarks = tddfa_folder(tmp_path / "3dmm_data")
    savemat(tmp_path / "3dmm_data" / "tri.mat", {"tri": np.array([[1, 4], [2, 5], [3, 6]])})
    model, whitening = read_whitened(tmp_path / "3dmm_data")
    np.testing.assert_allclose(model.mean, mean)
    np.testing.assert_allclose(model.identity, identity)
    np.testing.assert_allclose(model.expression, expression)
    np.testing.assert_array_equal(model.landmarks, landmarks)
    assert model.triangles is not None and model.triangles.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert whitening is not None and whitening.mean.tolist() == list(range(62)) and (whitening.std == 2).all()
    assert model.deviations[0] == pytest.approx(np.sqrt(12**2 + 2**2))
    assert model.scheme == "ibug68_3d" and "academic" in model.licence
    np.testing.assert_allclose(model.at_landmarks().mean, mean[landmarks])


def test_tddfa_v2s_pickle_has_more_directions_than_are_used(tmp_path: Path) -> None:
    mean, identity, expression, landmarks = parts(199, 29)
    content = {
        "u": interleaved(mean)[:, None].astype(np.float32),
        "w_shp": interleaved(identity),
        "w_exp": interleaved(expression),
        "keypoints": (3 * landmarks[:, None] + np.arange(3)).ravel(),
    }
    (tmp_path / "bfm_noneck_v3.pkl").write_bytes(pickle.dumps(content))
    for path in (tmp_path, tmp_path / "bfm_noneck_v3.pkl"):
        model, whitening = read_whitened(path)
        assert (len(model.identity), len(model.expression)) == (40, 10) and whitening is None
        np.testing.assert_allclose(model.mean, mean, rtol=1e-6)
        np.testing.assert_allclose(model.identity, identity[:40])
    means = {"mean": np.zeros(62), "std": np.ones(62)}
    (tmp_path / "param_mean_std_62d_120x120.pkl").write_bytes(pickle.dumps(means, protocol=4))
    assert read_whitened(tmp_path)[1] is not None


def test_deep3dfacerecons_file_is_centred_and_counts_from_one(tmp_path: Path) -> None:
    savemat = pytest.importorskip("scipy.io").savemat
    mean, identity, expression, landmarks = parts(80, 64)
    arrays: dict[str, Any] = {
        "meanshape": interleaved(mean)[None],
        "idBase": interleaved(identity),
        "exBase": interleaved(expression),
        "keypoints": landmarks[None] + 1,
        "tri": np.array([[1, 2, 3], [2, 3, 80]]),
    }
    savemat(tmp_path / "BFM_model_front.mat", arrays)
    model = read_model(tmp_path / "BFM_model_front.mat")
    np.testing.assert_allclose(model.mean, mean - mean.mean(0), atol=1e-12)
    np.testing.assert_allclose(model.expression, expression)
    np.testing.assert_array_equal(model.landmarks, landmarks)
    assert model.triangles is not None and model.triangles.max() == 79 and "Basel" in model.licence
    del arrays["exBase"]
    savemat(tmp_path / "BFM_model_front.mat", arrays)
    with pytest.raises(ValueError, match=r"found no exBase; expected BFM_model_front.mat, which sicxu"):
        read_model(tmp_path / "BFM_model_front.mat")


def write_mesh(path: Path, vertices: np.ndarray) -> None:
    lines = ["# a mesh", *(f"v {x:.17g} {y:.17g} {z:.17g}" for x, y, z in vertices)]
    path.write_text("\n".join([*lines, "vt 0 0", "f 1/1 2/1 3/1 4/1", "f 3 4 5"]) + "\n")


def ict_folder(folder: Path) -> tuple[np.ndarray, ...]:
    mean, identity, expression, landmarks = parts(3, 2)
    folder.mkdir()
    indices = {"idx_to_landmark_verts": landmarks.tolist(), "expressions": ["jawOpen", "browDown_L"]}
    (folder / "vertex_indices.json").write_text(json.dumps(indices))
    write_mesh(folder / "generic_neutral_mesh.obj", mean)
    for number, offset in enumerate(identity):
        write_mesh(folder / f"identity{number:03d}.obj", mean + offset)
    for name, offset in zip(("jawOpen", "browDown_L"), expression, strict=True):
        write_mesh(folder / f"{name}.obj", mean + offset)
    return mean, identity, expression, landmarks


def test_ict_facekits_folder(tmp_path: Path) -> None:
    mean, identity, expression, landmarks = ict_folder(tmp_path / "FaceXModel")
    for path in (tmp_path, tmp_path / "FaceXModel"):
        model = read_model(path)
        np.testing.assert_allclose(model.mean, mean)
        np.testing.assert_allclose(model.identity, identity, atol=1e-12)
        np.testing.assert_allclose(model.expression, expression, atol=1e-12)
        np.testing.assert_array_equal(model.landmarks, landmarks)
        assert model.triangles is not None
        assert model.triangles.tolist() == [[0, 1, 2], [0, 2, 3], [2, 3, 4]]  # four corners make two
        assert model.licence.startswith("MIT")


def test_ict_facekits_landmarks_fit_their_own_faces(data: Path) -> None:
    model = read_model(data / "ict_facekit_68.npz")
    assert model.mean.shape == (68, 3) and model.size == 157 and model.licence.startswith("MIT")
    coefficients = np.zeros((2, 157))
    coefficients[:, :3] = [[1, -1, 0.5], [0, 0.5, 1]]
    points = model.shape(coefficients)[..., :2] * (10.0, -10.0) + 100.0
    found = fit(model, points, steps=6)
    assert np.abs(found.pose).max() < 1.0 and found.residual.max() < 0.5  # of a face 147 px wide


def test_our_own_file_comes_back(tmp_path: Path) -> None:
    save_model(sparse_model(), tmp_path / "own.npz")
    assert read_model(tmp_path / "own.npz").size == sparse_model().size


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("trapped"),))


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_hold_arrays_and_run_nothing(
    tmp_path: Path, protocol: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "x.pkl"
    content = {"a": np.arange(6.0).reshape(2, 3), "b": [np.float32(2), "x", b"y"], "c": np.arange(3)[::2]}
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    found = read_pickle(path)
    np.testing.assert_array_equal(found["a"], content["a"])
    assert found["b"] == content["b"] and found["c"].tolist() == [0, 2]
    path.write_bytes(pickle.dumps({"mean": Trap()}, protocol=protocol))
    with pytest.raises(ValueError, match=r"x\.pkl: not a pickle of numpy arrays .*is not run"):
        read_pickle(path)
    assert not (tmp_path / "trapped").exists()


def test_missing_and_foreign_files_say_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="neither a file nor a folder"):
        read_model(tmp_path / "nowhere")
    (tmp_path / "model.obj").write_text("")
    with pytest.raises(ValueError, match=r"model\.obj: not a shape model; expected an \.npz of canthus"):
        read_model(tmp_path / "model.obj")
    for name, said in {
        "x.npz": "not a shape model",
        "x.mat": r"not a readable \.mat file .*BFM_model_front",
        "x.pkl": "not a pickle of numpy arrays",
    }.items():
        (tmp_path / name).write_bytes(b"<html>not found</html>")
        with pytest.raises(ValueError, match=said):
            read_model(tmp_path / name)
    tddfa_folder(tmp_path / "3dmm_data")
    (tmp_path / "3dmm_data" / "u_exp.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"no u_exp\.npy in it; expected the folder 3dmm_data of"):
        read_model(tmp_path / "3dmm_data")
    np.save(tmp_path / "3dmm_data" / "u_exp.npy", np.ones((7, 1)))
    with pytest.raises(ValueError, match=r"not 3DDFA's shape model .*3dmm_data of choyingw"):
        read_model(tmp_path / "3dmm_data")
    ict_folder(tmp_path / "FaceXModel")
    (tmp_path / "FaceXModel" / "jawOpen.obj").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ValueError, match=r"found no vertices .*git lfs"):
        read_model(tmp_path)
    (tmp_path / "FaceXModel" / "jawOpen.obj").unlink()
    with pytest.raises(FileNotFoundError, match=r"jawOpen\.obj: no such mesh; expected the folder FaceX"):
        read_model(tmp_path)
