"""`canthus predict`: pictures, clips or a camera in, annotated copies and result files out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from canthus.commands.inputs import find_inputs, output_paths
from canthus.commands.predict_pictures import predict_pictures
from canthus.commands.progress import say, summary
from canthus.commands.result_files import Results
from canthus.commands.search import Finder, Search, Watch
from canthus.detectors import WORKING_SIZE
from canthus.draw import Layers
from canthus.formats import make_folder


@dataclass(frozen=True)
class Outputs:
    """Where to: a folder for annotated copies, and result files by the name of their format (None: none)."""

    save: Path | None = None
    ellipses: float | None = None
    files: Mapping[str, Path | None] = field(default_factory=dict)
    draw: str | None = None

    @property
    def layers(self) -> Layers:
        """What annotated copies show; ValueError for a name in `draw` that is no layer."""
        names = [] if self.draw is None else self.draw.split(",")
        unknown = [name for name in names if name not in ("axes", "mesh")]
        if unknown:
            raise ValueError(f"--draw: found {unknown[0]!r}, expected axes, mesh or axes,mesh")
        return Layers(ellipses=self.ellipses, axes="axes" in names, mesh="mesh" in names)

    @property
    def places(self) -> str:
        """All of them, for the last line on a terminal."""
        paths = [str(path) for path in (self.save, *self.files.values()) if path is not None]
        return f" -> {', '.join(paths)}" if paths else ""


def predict(names: Sequence[str], search: Search, outputs: Outputs, watch: Watch | None = None) -> int:
    """Run the command over files; returns its exit code: 0, or 1 when some inputs failed.

    `watch`: how clips are followed. Raises ValueError, OSError or ImportError for bad usage.
    """
    watch = watch or Watch()
    inputs, unmatched = find_inputs(names, outputs.save)
    if not inputs:
        raise ValueError(f"no file, folder with pictures or glob match: {', '.join(names)}")
    saves = output_paths(inputs, outputs.save) if outputs.save else [None] * len(inputs)
    pairs = list(zip(inputs, saves, strict=True))
    pictures, clips = ([pair for pair in pairs if pair[0].clip is clip] for clip in (False, True))
    layers = outputs.layers
    finder = Finder(search)
    _refuse_unused(search, outputs, watch, moving=bool(clips))
    if outputs.save is not None:
        make_folder(outputs.save)
    for name in unmatched:
        say(f"canthus: {name}: no such file, and no pictures in it")
    failures = len(unmatched)
    scheme, quiet = finder.predictor.scheme, outputs.save is not None
    with Results(outputs.files, scheme, finder.model, moving=bool(clips), quiet=quiet) as results:
        if pictures:
            failures += predict_pictures(pictures, finder, results, layers)
        if clips:
            from canthus.commands.predict_clips import Recorder  # brings FFmpeg, which pictures do not need

            failures += Recorder(finder, results, layers, watch).clips(clips)
    counts = [f"{len(kind)} {name}" for kind, name in ((pictures, "pictures"), (clips, "clips")) if kind]
    summary(f"{', '.join(counts)}, {results.faces} faces, {failures} failed{outputs.places}")
    return 1 if failures else 0


def predict_camera(device: str, search: Search, outputs: Outputs, watch: Watch, *, window: bool) -> int:
    """Run the command on a camera, shown in a window unless told otherwise; returns its exit code: 0, or 1
    when the camera was unplugged.

    Raises ValueError, OSError or ImportError for bad usage.
    """
    from contextlib import nullcontext

    from canthus.commands.predict_clips import Recorder
    from canthus.commands.window import Window

    layers = outputs.layers
    finder = Finder(search)
    _refuse_unused(search, outputs, watch, moving=True)
    if watch.look_ahead:
        raise ValueError("--look-ahead is about files; a camera cannot be looked ahead of")
    save = None
    if outputs.save is not None:
        make_folder(outputs.save)
        save = outputs.save / f"camera-{Path(device).name}.mp4"
    with Results(
        outputs.files, finder.predictor.scheme, finder.model, moving=True, quiet=window or save is not None
    ) as results:
        recorder = Recorder(finder, results, layers, watch)
        with Window(f"canthus: camera {device}") if window else nullcontext() as shown:
            show = None if shown is None else shown.show
            return recorder.camera(int(device) if device.isdecimal() else device, save, show)


def _refuse_unused(search: Search, outputs: Outputs, watch: Watch, *, moving: bool) -> None:
    """ValueError for an option that would change nothing."""
    if outputs.ellipses is not None and outputs.save is None:
        raise ValueError("--ellipses is about annotated pictures: add --save DIR")
    if outputs.draw is not None and outputs.save is None:
        raise ValueError("--draw is about annotated pictures: add --save DIR")
    if search.boxes is None and search.box_kind != Search.box_kind:
        raise ValueError("--box-kind is about the boxes of a file: add --boxes FILE")
    if search.detector_size != WORKING_SIZE and (search.boxes is not None or search.whole_image):
        raise ValueError("--detector-size is about a detector; --boxes and --whole-image use none")
    if moving and search.boxes is not None:
        raise ValueError("--boxes is about pictures; in clips faces are found and followed")
    if moving and outputs.files.get("coco") is not None:
        raise ValueError("--coco is about pictures; for clips take --json, --csv or --parquet")
    if not moving and watch != Watch():
        raise ValueError(
            "--smooth, --look-ahead, --start, --end and --stride are about clips; found pictures only"
        )
    if moving:
        _ = watch.span  # its errors
