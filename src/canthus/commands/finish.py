"""How every verb ends: with an exit code, and one line on stderr about what went wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import typer


def finish(work: Callable[[], int]) -> None:
    """Run a verb and leave with its exit code; wrong input becomes one line on stderr and code 2."""
    raise typer.Exit(exit_code(work))


def exit_code(work: Callable[[], int]) -> int:
    """Do the work of a verb; its exit code, or that of the error that ended it, which is told in one line.

    Wrong input and files that cannot be used are 2, an interruption is 130, a reader of stdout that has gone
    is 1. So is an error that nobody foresaw; Python's development mode (`PYTHONDEVMODE=1`) shows where it
    came from.
    """
    try:
        return work()
    except KeyboardInterrupt:
        sys.stderr.write("canthus: interrupted; what was finished is kept\n")
        return 130
    except BrokenPipeError:  # the reader of our stdout (head, less) has gone; nothing may be flushed to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError, ImportError) as error:
        sys.stderr.write(f"canthus: {one_line(error)}\n")
        return 2
    except Exception as error:  # the last resort: a fault of this program, or of what it was given
        if sys.flags.dev_mode:
            raise
        sys.stderr.write(f"canthus: unexpected {type(error).__name__}: {one_line(error)}\n")
        return 1


def one_line(error: BaseException) -> str:
    """The message; of the operating system's errors the file and the reason, without the number."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def reason(path: Path, error: Exception) -> str:
    """Why one of many inputs failed, in one line that names it once."""
    text, name = (" ".join(str(value).splitlines()) for value in (error, path))
    kind = "" if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: "
    return text if text.startswith(name) else f"{name}: {kind}{text}"
