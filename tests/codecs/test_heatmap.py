from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from canthus.codecs.gaussian import gaussian_maps
from canthus.codecs.heatmap import Heatmap
from canthus.codecs.peaks import find_peaks, read_cells
from canthus.sample import Annotations
from canthus.schemes import SCHEMES

SCHEME = SCHEMES["five"]
MMPOSE = ("frame", "patch", "borders")


def annotations(points: torch.Tensor) -> Annotations:
    batch = len(points)
    return Annotations(points, torch.ones(points.shape[:2]), torch.ones(batch), torch.ones(batch))


def one(x: float, y: float, side: int = 16, **options: object) -> tuple[torch.Tensor, float]:
    """The map (side, side) and weight of one point at cell x, y."""
    values = {"sigma": 2.0, "unbiased": False, **options}
    maps, weight = gaussian_maps(torch.tensor([[[x, y]]]), torch.ones(1, 1), side, **values)
    return maps[0, 0], weight.item()


def published_map(x: float, y: float, side: int, sigma: float) -> np.ndarray:
    """The biased target as the published code draws it, cell by cell."""
    out = np.zeros((side, side))
    reach = 3 * sigma
    column, row = int(x + 0.5), int(y + 0.5)
    left, top, right, bottom = (
        int(column - reach),
        int(row - reach),
        int(column + reach + 1),
        int(row + reach + 1),
    )
    size, middle = math.ceil(2 * reach + 1), (2 * reach + 1) // 2
    for i in range(max(0, top), min(bottom, side)):
        for j in range(max(0, left), min(right, side)):
            if i - top < size and j - left < size:
                square = (j - left - middle) ** 2 + (i - top - middle) ** 2
                out[i, j] = math.exp(-square / (2 * sigma**2))
    return out


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(-12, 28, width=32),
    y=st.floats(-12, 28, width=32),
    sigma=st.sampled_from([1.0, 1.5, 1.7, 2.0, 2.5]),
)
def test_published_patch_against_a_loop(x: float, y: float, sigma: float) -> None:
    maps, weight = one(x, y, sigma=sigma, published=True)
    np.testing.assert_allclose(maps.numpy(), published_map(x, y, 16, sigma), atol=1e-6)
    reach, column, row = 3 * sigma, int(x + 0.5), int(y + 0.5)
    off = min(int(column + reach + 1), int(row + reach + 1)) < 0
    off = off or max(int(column - reach), int(row - reach)) >= 16
    assert weight == (0.0 if off else 1.0)


def test_fractional_patches_near_the_border_move_by_a_cell_as_published_only() -> None:
    published, _ = one(3.0, 9.0, sigma=1.5, published=True)
    assert divmod(int(published.argmax()), 16) == (9, 4)
    corrected, _ = one(3.0, 9.0, sigma=1.5)
    assert divmod(int(corrected.argmax()), 16) == (9, 3)
    column = corrected[:, 3]
    assert column[5:14].min() > 0
    torch.testing.assert_close(column[5:14], column[5:14].flip(0))  # the published one has rows 4 to 13
    assert published[4, 4] > 0
    assert published[14, 4] == 0


@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_both_patches_are_equal_for_whole_radii_inside(sigma: float) -> None:
    for x, y in ((7.2, 8.9), (0.0, 15.4), (15.49, 0.3)):
        torch.testing.assert_close(one(x, y, sigma=sigma)[0], one(x, y, sigma=sigma, published=True)[0])


def test_unbiased_maps_are_the_gaussian_of_the_real_position() -> None:
    maps, weight = one(4.3, 11.8, unbiased=True)
    for i in range(16):
        for j in range(16):
            square = (j - 4.3) ** 2 + (i - 11.8) ** 2
            assert maps[i, j].item() == pytest.approx(math.exp(-square / 8), abs=1e-6)
    assert weight == 1


@pytest.mark.parametrize(
    ("x", "unbiased", "weight", "published"),
    [
        (-6.4, False, 1.0, 1.0),  # column 0 is the last of the patch
        (-6.6, False, 0.0, 1.0),  # one column off: the published code keeps the weight of an empty map
        (-8.6, False, 0.0, 0.0),
        (21.4, False, 1.0, 1.0),
        (21.6, False, 0.0, 0.0),
        (-5.9, True, 1.0, 1.0),
        (-6.5, True, 0.0, 1.0),
        (-7.1, True, 0.0, 0.0),
        (20.9, True, 1.0, 1.0),
        (21.5, True, 0.0, 1.0),
        (22.1, True, 0.0, 0.0),
    ],
)
def test_points_off_the_map_have_no_weight(x: float, unbiased: bool, weight: float, published: float) -> None:
    for point in ((x, 8.0), (8.0, x)):
        maps, found = one(*point, unbiased=unbiased)
        assert found == weight
        assert bool(maps.any()) == bool(weight)
        assert one(*point, unbiased=unbiased, published=True)[1] == published


def test_invisible_points_keep_their_weight_and_draw_nothing() -> None:
    cells = torch.full((1, 4, 2), 5.0)
    visible = torch.tensor([[0.0, 0.4, 0.5, 2.0]])
    maps, weight = gaussian_maps(cells, visible, 16, sigma=2.0, unbiased=True)
    assert weight.tolist() == visible.tolist()
    assert maps.flatten(2).amax(-1).tolist() == [[0.0, 0.0, 1.0, 1.0]]


def test_cells_cover_the_pixels_below_them_unless_published() -> None:
    points = torch.tensor([[[7.5, 3.5]] * 5])
    assert Heatmap(SCHEME, 64, side=8).to_cells(points)[0, 0].tolist() == pytest.approx([0.5, 0.0])
    published = Heatmap(SCHEME, 64, side=8, published=("frame",))
    assert published.to_cells(points)[0, 0].tolist() == pytest.approx([0.9375, 0.4375])
    for codec in (Heatmap(SCHEME, 64, side=8), published):
        torch.testing.assert_close(codec.from_cells(codec.to_cells(points)), points)


def naive_step(heat: np.ndarray, published: bool) -> tuple[float, float]:
    side = len(heat)
    y, x = divmod(int(heat.argmax()), side)
    if published and heat[y, x] <= 0:
        return -1.0, -1.0
    out = [float(x), float(y)]
    if (1 < x < side - 1 and y > 0) if published else 0 < x < side - 1:
        out[0] += 0.25 * np.sign(heat[y, x + 1] - heat[y, x - 1])
    if (1 < y < side - 1 and x > 0) if published else 0 < y < side - 1:
        out[1] += 0.25 * np.sign(heat[y + 1, x] - heat[y - 1, x])
    return out[0], out[1]


@pytest.mark.parametrize("published", [False, True])
def test_decoding_against_a_loop(published: bool) -> None:
    rng = np.random.default_rng(0)
    maps = rng.integers(-3, 3, (40, 5, 6, 6)).astype(np.float32)  # many ties
    maps[0] = -1
    codec = Heatmap(SCHEME, 6, side=6, published=MMPOSE if published else ())
    decoded = codec.decode({"heatmap": torch.from_numpy(maps)})
    expected = [[naive_step(heat, published) for heat in row] for row in maps]
    np.testing.assert_array_equal(decoded.points.numpy(), np.array(expected, np.float32))
    np.testing.assert_array_equal(decoded.scores.numpy(), maps.max((2, 3)))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), side=st.sampled_from([16, 32, 64]))
def test_decoding_is_within_a_quarter_of_a_cell_inside(seed: int, side: int) -> None:
    codec = Heatmap(SCHEME, 64, side=side, unbiased=True)
    cell = 64 / side
    points = torch.rand(2, 5, 2, generator=torch.Generator().manual_seed(seed)) * (63 - 2 * cell) + cell
    decoded = codec.decode({name: target.value for name, target in codec.encode(annotations(points)).items()})
    assert (decoded.points - points).abs().max() <= 0.25 * cell + 1e-4


@pytest.mark.parametrize("side", [64, 16, 4])
@pytest.mark.parametrize("shift", ["exact", "cell", "none"])
def test_the_flip_shift_in_the_published_frame(side: int, shift: str) -> None:
    """The mirrored crop's map, moved back, lies 0, +1 or -(256 / side - 1) px from the straight one."""
    codec = Heatmap(SCHEME, 256, side=side, published=("frame",), flip_shift=shift)
    at = 128.0
    points = torch.full((1, 5, 2), at)
    mirrored = torch.tensor([255 - at, at]).expand(1, 5, 2)
    maps = codec.mirror({"heatmap": codec.encode(annotations(mirrored))["heatmap"].value}, SCHEME)["heatmap"]
    displaced = {"exact": 0.0, "cell": 1.0, "none": 1.0 - 256 / side}[shift]
    points[..., 0] += displaced
    expected = codec.encode(annotations(points))["heatmap"].value
    columns = slice(1, None)  # column 0 keeps its own value
    tolerance = 0.05 if shift == "exact" else 1e-5  # interpolation flattens the map a little
    torch.testing.assert_close(maps[..., columns], expected[..., columns], atol=tolerance, rtol=0)


def test_a_mirrored_crop_mirrors_the_map_exactly_by_default() -> None:
    codec = Heatmap(SCHEME, 64, side=16)
    points = torch.rand(2, 5, 2, generator=torch.Generator().manual_seed(1)) * 63
    flipped = points[:, list(SCHEME.flip)] * torch.tensor([-1.0, 1.0]) + torch.tensor([63.0, 0.0])
    maps = codec.encode(annotations(flipped))["heatmap"].value
    torch.testing.assert_close(
        codec.mirror({"heatmap": maps}, SCHEME)["heatmap"], codec.encode(annotations(points))["heatmap"].value
    )


def test_margin_is_the_lead_or_the_smaller_slope() -> None:
    maps = torch.zeros(1, 5, 5, 5)
    maps[..., 2, 2], maps[..., 2, 3], maps[..., 1, 2], maps[..., 4, 4] = 1.0, 0.4, 0.3, 0.9
    codec = Heatmap(SCHEME, 5, side=5)
    torch.testing.assert_close(codec.margin({"heatmap": maps}), torch.full((1, 5), 0.1))
    maps[..., 4, 4], maps[..., 3, 2] = 0.0, 0.25
    torch.testing.assert_close(codec.margin({"heatmap": maps}), torch.full((1, 5), 0.05))
    faint = maps - 0.99  # the highest cell is hardly above zero
    torch.testing.assert_close(codec.margin({"heatmap": faint}), torch.full((1, 5), 0.01))


def test_peaks_take_the_first_of_equal_cells() -> None:
    maps = torch.zeros(1, 1, 4, 6)
    maps[0, 0, 2, 1] = maps[0, 0, 1, 5] = maps[0, 0, 1, 3] = 2.0
    best, cell = find_peaks(maps)
    assert best.item() == 2
    assert cell.flatten().tolist() == [3, 1]
    values, inside = read_cells(maps, torch.tensor([[[[3, 1], [6, 1], [3, -1]]]]))
    assert values.flatten().tolist() == [2.0, 2.0, 0.0]
    assert inside.flatten().tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"published": ("frames",)}, r"published: found \['frames'\]"),
        ({"flip_shift": "half"}, "flip_shift: found 'half'"),
        ({"flip_shift": "cell"}, "belongs to published"),
    ],
)
def test_wrong_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Heatmap(SCHEME, 64, **options)


def test_no_step_from_the_outermost_cells() -> None:
    """A peak in the first row whose right neighbour is higher than its left one."""
    maps = torch.zeros(1, 5, 16, 16)
    maps[..., 0, 7], maps[..., 0, 8] = 1.0, 0.5
    steps = []
    for published in ((), ("interior",)):
        codec = Heatmap(SCHEMES["five"], 64, side=16, published=published)
        steps.append(codec.decode({"heatmap": maps}).points[0, 0].tolist())
    assert steps == [[30.5, 1.5], [29.5, 1.5]]


class Copied(Heatmap):
    """Tells where the maps lie that are refined."""

    def refine(self, maps: torch.Tensor, peaks: torch.Tensor) -> torch.Tensor:
        self.place = maps.data_ptr()
        return super().refine(maps, peaks)


def test_maps_of_peak_1_are_decoded_where_they_are() -> None:
    """A copy of a batch of maps takes several times as long as finding their peaks."""
    maps = torch.rand(1, 5, 16, 16)
    for peak, same in ((1.0, True), (2.0, False)):
        codec = Copied(SCHEMES["five"], 64, side=16, peak=peak)
        scores = codec.decode({"heatmap": maps}).scores
        assert (codec.place == maps.data_ptr()) == same
        torch.testing.assert_close(scores, maps.amax((-2, -1)) / peak)
