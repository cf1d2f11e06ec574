"""From the name of a model to its files."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from canthus.cache import exported_file
from canthus.recipe import recipe_names
from canthus.runtime.rows import row_weights

#: Bundled models: name -> file in `assets/`.
BUNDLED = {"face68": "face68.onnx"}
DEFAULT_MODEL = "face68"


def model_file(model: str | Path | None = None, *, flip_test: bool = False) -> Path:
    """The .onnx file of a bundled name (default `face68`), an .onnx path, a zoo row or a .safetensors file.

    The last two are exported once into a cache, which needs `canthus[train]`, with the mirrored pass in the
    graph if `flip_test`; later calls find the file there. Raises ValueError for an unknown name and for the
    flip test of what is exported already, FileNotFoundError for a missing file, OSError for weights that
    cannot be downloaded.
    """
    name = str(model if model is not None else DEFAULT_MODEL)
    exported = is_exported(name)
    if exported and flip_test:
        raise ValueError(
            f"--flip-test: {name} is an ONNX file, its passes are fixed; "
            "give the weights (.safetensors), or export them with `canthus export --flip-test`"
        )
    if name in BUNDLED:
        return Path(str(files("canthus").joinpath("assets", BUNDLED[name])))
    if not exported:
        return _exported(name, weights_file(name), flip_test=flip_test)
    if not Path(name).is_file():
        raise FileNotFoundError(f"{name}: no such model file")
    return Path(name)


def is_exported(model: str | Path) -> bool:
    """Whether this names an ONNX file: a bundled one, or a path."""
    return str(model) in BUNDLED or Path(str(model)).suffix.lower() == ".onnx"


def weights_file(model: str | Path) -> Path:
    """The .safetensors file of that name, or of a zoo row, whose weights are downloaded if need be.

    Raises ValueError for an unknown name, FileNotFoundError for a missing file, OSError for weights that
    cannot be downloaded.
    """
    name = str(model)
    if Path(name).suffix.lower() == ".safetensors":
        if not Path(name).is_file():
            raise FileNotFoundError(f"{name}: no such model file")
        return Path(name)
    rows = recipe_names()
    if name in rows:
        return row_weights(name)
    if Path(name).is_file():
        raise ValueError(
            f"{name}: found {Path(name).suffix or 'a name without suffix'}, expected .safetensors; for a "
            f"published checkpoint: canthus convert {name} OUT.safetensors --recipe ROW"
        )
    close = get_close_matches(name, [*BUNDLED, *rows], n=1, cutoff=0.4)
    nearest = f"; did you mean {close[0]}?" if close else f"; bundled: {', '.join(BUNDLED)}"
    raise ValueError(
        f"no model {name!r}: expected a bundled name, a zoo row, an .onnx or a .safetensors file{nearest}"
    )


def _exported(name: str, weights: Path, *, flip_test: bool) -> Path:
    """The ONNX file of weights in the cache, which is made where it is not there."""
    out = exported_file(weights, flip_test=flip_test)
    if out.is_file():
        return out
    try:
        from canthus.export import cached_export
    except ImportError as error:
        raise ValueError(
            f"{name} has to be exported to ONNX once, which needs PyTorch (no module {error.name}): "
            "pip install 'canthus[train]', or give an .onnx file"
        ) from None
    return Path(cached_export(weights, flip_test=flip_test))
