"""Landmark text files (.pts) of iBUG / 300-W: 1-based on disk, this package's 0-based px in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.formats.format import aside


def read_pts(path: Path, count: int | None = None) -> NDArray[np.float32]:
    """Points (K, 2) in px of a .pts file, with or without its `version / n_points / { }` header.

    The file counts from 1 (the first pixel's centre is 1, 1), so 1 is subtracted. Raises ValueError that
    names the file when a line is no pair of numbers, or when `count` (else the header's `n_points`) is not
    met.
    """
    rows: list[list[float]] = []
    for number, line in enumerate(
        path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), start=1
    ):
        text = line.strip().strip("{}").strip().lower()
        if not text or text.startswith("version"):
            continue
        try:
            if text.startswith("n_points"):
                stated = int(text.split(":")[1])
                count = stated if count is None else count
                continue
            row = [float(value) for value in text.replace(",", " ").split()]
        except (ValueError, IndexError):
            row = []
        if len(row) != 2 or not np.isfinite(row).all():
            raise ValueError(
                f"{path}: line {number}: found {line.strip()[:40]!r}, expected two numbers `x y`"
            )
        rows.append(row)
    if not rows or (count is not None and len(rows) != count):
        raise ValueError(
            f"{path}: found {len(rows)} points, expected {count if count is not None else 'some'}"
        )
    return np.asarray(rows, dtype=np.float32) - 1


def write_pts(path: Path, points: ArrayLike) -> None:
    """Write points (K, 2) in px as a 1-based .pts file with its header (aside, then renamed).

    Raises ValueError where a point has no position: the format cannot say so.
    """
    rows = np.asarray(points, dtype=np.float64) + 1
    if rows.ndim != 2 or rows.shape[1] != 2 or not np.isfinite(rows).all():
        without = "" if np.isfinite(rows).all() else " with points that have no position"
        raise ValueError(f"{path}: found shape {rows.shape}{without}, expected (K, 2) of finite numbers")
    lines = "\n".join(f"{x:.6f} {y:.6f}" for x, y in rows)
    with aside(path) as part:
        part.write_text(f"version: 1\nn_points: {len(rows)}\n{{\n{lines}\n}}\n")
