from __future__ import annotations

import resource
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from canthus.geometry import CropRule
from canthus.recipe import Recipe
from canthus.sample import Sample
from canthus.training import pictures
from canthus.training.cutting import Cutter
from canthus.training.loop import train
from canthus.training.packing import PackWriter, encode, read_pack
from canthus.training.pictures import Pictures, coding, identity

RULE = CropRule(box_kind="landmarks")


def faces(count: int) -> list[Sample]:
    """Samples of one smooth picture each, some of them smaller."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 200, 40, dtype=np.float32)
    found = []
    for number in range(count):
        tilt = ramp[:, None] * rng.random(3) + 40 * rng.random(3)
        image = np.repeat(tilt[None].astype(np.uint8), 30 + number, axis=0)
        points = rng.uniform(5, 25, (5, 2)).astype(np.float32)
        points[number % 5] = np.nan
        box = np.array([5, 5, 25, 25], np.float32)
        seen = np.array([0, 1, np.nan, 1, 0], np.float32)
        labels = {"weight": 1.5, "presence": 0.0, "tags": {"yaw": number / 3}}
        found.append(Sample(image, points, seen, box, "face", f"id {number}", f"group ü {number}", **labels))
    return found


def write(path: Path, samples: list[Sample], coding: str = "raw") -> None:
    with PackWriter(path, samples, {"coding": coding}) as pack:
        for row in reversed(range(len(samples))):  # the order of writing is free
            pack.add(row, encode(samples[row], coding))
        pack.finish()


@pytest.mark.parametrize("coding", ["raw", "jpeg"])
def test_a_pack_holds_what_was_put_into_it(tmp_path: Path, coding: str) -> None:
    samples = faces(4)
    write(tmp_path / "pack", samples, coding)
    head, found = read_pack(tmp_path / "pack")
    assert head["coding"] == coding and len(found) == 4
    for old, new in zip(samples, found, strict=True):
        for name in ("id", "group", "box_kind", "weight", "presence", "tags"):
            assert getattr(old, name) == getattr(new, name)
        for name in ("points", "visibility", "box"):
            np.testing.assert_array_equal(getattr(old, name), getattr(new, name))
        difference = np.abs(old.read().astype(int) - new.read())
        assert difference.max() <= (0 if coding == "raw" else 6)
        assert new.size == (40, len(old.image))
        assert new.read().flags.owndata == (coding == "jpeg")  # the other stays in the mapped file
    assert str(found[2].image) != str(found[3].image)
    assert [file.name for file in tmp_path.iterdir()] == ["pack"]


def test_damaged_packs_are_named(tmp_path: Path) -> None:
    path, samples = tmp_path / "pack", faces(3)
    write(path, samples, "jpeg")
    whole = path.read_bytes()
    for broken in (b"", b"PK", whole[:100], whole[:-1]):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=r"pack: not a whole pack of training pictures \(.*delete it"):
            read_pack(path)
    path.write_bytes(whole[:-500] + bytes(500))
    with pytest.raises(ValueError, match=r"pack#0: this picture of the pack is damaged"):
        read_pack(path)[1][0].read()


def test_an_interrupted_pack_is_gone_on_with(tmp_path: Path) -> None:
    samples = faces(4)
    for name in ("once", "twice"):
        with PackWriter(tmp_path / name, samples, {"coding": "raw"}) as pack:
            for row in (2, 0):
                pack.add(row, encode(samples[row], "raw"))
            if name == "once":
                for row in (3, 1):
                    pack.add(row, encode(samples[row], "raw"))
                pack.finish()
    with (tmp_path / ".twice.part").open("ab") as file:
        file.write(b"a picture that was being written")
    with PackWriter(tmp_path / "twice", samples, {"coding": "raw"}) as pack:
        assert [row in pack for row in range(4)] == [True, False, True, False]
        for row in (3, 1):
            pack.add(row, encode(samples[row], "raw"))
        pack.finish()
    assert (tmp_path / "twice").read_bytes() == (tmp_path / "once").read_bytes()
    with PackWriter(tmp_path / "other", samples, {"coding": "raw"}) as pack:
        pack.add(0, encode(samples[0], "raw"))
    with PackWriter(tmp_path / "other", samples, {"coding": "jpeg"}) as pack:  # other facts: all anew
        assert 0 not in pack


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    samples = faces(40)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
        with pytest.raises(OSError, match=r"no space left after \d+ of 40 pictures .* with --pack FILE"):
            write(tmp_path / "pack", samples)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(tmp_path.iterdir())


def test_pictures_are_jpeg_where_they_would_take_too_much() -> None:
    samples = faces(3)
    cutter = Cutter(RULE, 32, 1.8)
    most = sum(map(cutter.bytes_at_most, samples))
    assert coding(cutter, samples, most / 1e9) == "raw"
    assert coding(cutter, samples, 0.99 * most / 1e9) == "jpeg"


@pytest.fixture
def made(tiny_recipe: Recipe, tiny_data: Path, tmp_path: Path) -> Pictures:
    """A pack that a user has asked for, made."""
    found = Pictures(tiny_recipe, tiny_data, tmp_path / "tiny.pack", kept=True)
    found.sources(0)
    return found


@pytest.mark.parametrize("processes", [0, 2])
def test_sources_come_with_the_cut_pictures(
    tiny_recipe: Recipe, tiny_data: Path, tmp_path: Path, processes: int
) -> None:
    plain = pictures.build_sources(tiny_recipe, tiny_data)
    made = Pictures(tiny_recipe, tiny_data, tmp_path / "new folder" / "pack", kept=True)
    state = torch.get_rng_state()
    packed = made.sources(processes)
    assert torch.equal(state, torch.get_rng_state())  # a training is the same with and without a pack
    cutter = Cutter(tiny_recipe.crop, tiny_recipe.size, tiny_recipe.train.context)
    for before, after in zip(plain, packed, strict=True):
        assert [source.part for source in before] == [source.part for source in after]
        for old, new in zip(cutter_each(cutter, before[0].samples), after[0].samples, strict=True):
            assert old.id == new.id
            np.testing.assert_array_equal(old.points, new.points)
            np.testing.assert_array_equal(old.read(), new.read())


def test_a_box_that_the_cut_settles_keeps_its_kind(
    tiny_recipe: Recipe, tiny_data: Path, tmp_path: Path
) -> None:
    crop = {"box_kind": "face", "scale": 1.5, "rounding": "integer"}
    rounded = Recipe.model_validate({**tiny_recipe.model_dump(), "crop": crop})
    (plain,), _ = pictures.build_sources(rounded, tiny_data)
    (packed,), _ = Pictures(rounded, tiny_data, tmp_path / "pack", kept=True).sources(0)
    assert {sample.box_kind for sample in plain.samples} == {"landmarks"}
    for old, new in zip(plain.samples, packed.samples, strict=True):
        (cut,) = Cutter(rounded.crop, rounded.size, rounded.train.context)([old])
        assert new.box_kind == cut.box_kind == "face"
        np.testing.assert_array_equal(new.box, cut.box)


def cutter_each(cutter: Cutter, samples: tuple[Sample, ...]) -> list[Sample]:
    return [cutter([sample])[0] for sample in samples]


def test_a_pack_is_made_once(made: Pictures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(PackWriter, "add")
    made.sources(0)
    replace(made, root=Path("nowhere")).sources(0)
    faster = Recipe.model_validate({**made.recipe.model_dump(), "train": {"learning_rate": 0.1}})
    replace(made, recipe=faster).sources(0)


def test_a_pack_for_other_data_is_refused_or_made_anew(made: Pictures) -> None:
    larger = replace(made, recipe=Recipe.model_validate({**made.recipe.model_dump(), "size": 48}))
    with pytest.raises(ValueError, match="packed for other data, crop or size than tiny; delete it"):
        larger.sources(0)
    label = next(made.root.glob("*.json"))
    label.write_text(label.read_text().replace("1]", "0]", 1).replace("0, 0]", "1, 0]", 1))
    with pytest.raises(ValueError, match="packed from other labels or pictures than those below"):
        made.sources(0)
    before = made.path.read_bytes()
    replace(made, kept=False).sources(0)
    assert made.path.read_bytes() != before
    made.sources(0)


def test_the_identity_is_that_of_labels_and_pictures(tiny_recipe: Recipe, tiny_data: Path) -> None:
    (training,), (held,) = pictures.build_sources(tiny_recipe, tiny_data)

    def changed(**values: object) -> str:
        first, *others = training.samples
        return identity(([replace(training, samples=(replace(first, **values), *others))], [held]))

    same, first = changed(), training.samples[0]
    assert same == identity(pictures.build_sources(tiny_recipe, tiny_data))
    changes = {"points": first.points + 1, "weight": 2.0, "tags": {"yaw": 1.0}, "box": first.box + 1}
    found = [changed(**{name: value}) for name, value in changes.items()]
    image = first.image
    image.write_bytes(image.read_bytes() + b"\0")
    found.append(changed())
    assert len({same, *found}) == 6


@pytest.mark.parametrize("processes", [0, 1])
def test_an_unreadable_photo_is_one_line(
    tiny_recipe: Recipe, tiny_data: Path, tmp_path: Path, processes: int
) -> None:
    photo = sorted(tiny_data.glob("*.png"))[5]
    photo.write_bytes(photo.read_bytes()[:60])
    made = Pictures(tiny_recipe, tiny_data, tmp_path / "tiny.pack", kept=True)
    with pytest.raises(ValueError, match=rf"^\S*{photo.name}: broken[^\n]*$"):
        made.sources(processes)
    assert not made.path.exists()


def test_training_makes_the_pack_and_then_needs_no_data(
    tiny_recipe: Recipe, tiny_data: Path, tmp_path: Path
) -> None:
    short = Recipe.model_validate(
        {**tiny_recipe.model_dump(), "train": {"epochs": 1, "batch": 8, "workers": 0}}
    )
    pack = tmp_path / "tiny.pack"
    first = train(short, tiny_data, tmp_path / "one", pack=pack)
    second = train(short, tmp_path / "nowhere", tmp_path / "two", pack=pack)
    third = train(short, tiny_data, tmp_path / "three")
    assert first.read_bytes()[-2000:] == second.read_bytes()[-2000:] == third.read_bytes()[-2000:]
    for folder in ("one", "two", "three"):
        assert not [file.name for file in (tmp_path / folder).iterdir() if "pack" in file.name]
