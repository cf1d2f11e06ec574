"""How verbs end."""

import pytest

from canthus.commands.finish import exit_code


def fail(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ValueError("two\nlines"), 2, "canthus: two lines\n"),
        (FileNotFoundError("x.onnx: no such model file"), 2, "canthus: x.onnx: no such model file\n"),
        (PermissionError(13, "Permission denied", "a.json"), 2, "canthus: a.json: Permission denied\n"),
        (ImportError("needs torch"), 2, "canthus: needs torch\n"),
        (KeyError("field"), 1, "canthus: unexpected KeyError: 'field'\n"),
        (RuntimeError(), 1, "canthus: unexpected RuntimeError: RuntimeError\n"),
        (KeyboardInterrupt(), 130, "canthus: interrupted; what was finished is kept\n"),
    ],
)
def test_errors_are_one_line_and_a_code(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(lambda: fail(error)) == code
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", line)


def test_the_code_of_the_work_is_kept() -> None:
    assert [exit_code(lambda code=code: code) for code in (0, 1)] == [0, 1]
