"""Downloads from a server on this machine: whole, resumed, broken off, wrong, absent."""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
from file_server import serving

from canthus.cache import cache_folder, locked
from canthus.download import DownloadError, fetch

BODY = np.random.default_rng(0).bytes(700_000)
SHA = hashlib.sha256(BODY).hexdigest()
NAME = "/net-x.pth"


def get(address: str, path: Path, sha256: str = SHA[:8]) -> Path:
    return fetch(address + NAME, path, sha256, advice="Do this.")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


def test_a_file_comes_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "deep" / "net.pth"
    with serving({NAME: BODY}) as files:
        for _ in range(2):
            assert get(files.address, path).read_bytes() == BODY
        assert files.asked == [(NAME, None)]
    assert get(files.address, path) == path, "no network is needed once it is there"
    assert names(path.parent) == {"net.pth"}
    assert capsys.readouterr().err == "", "quiet in a pipe"


@pytest.mark.parametrize("ranges", [True, False])
def test_what_came_before_is_kept(ranges: bool, tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    (tmp_path / "net.pth.part").write_bytes(BODY[:300_000])
    with serving({NAME: BODY}, ranges=ranges) as files:
        assert get(files.address, path).read_bytes() == BODY
        assert files.asked == [(NAME, "bytes=300000-")]
    assert names(tmp_path) == {"net.pth"}


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_connection_is_taken_up_again(ranges: bool, tmp_path: Path) -> None:
    with serving({NAME: BODY}, ranges=ranges, breaks=[100_000, 250_000, None]) as files:
        assert get(files.address, tmp_path / "net.pth").read_bytes() == BODY
        assert [asked for _, asked in files.asked] == [
            *(None, "bytes=100000-", f"bytes={350_000 if ranges else 250_000}-")
        ]


def test_a_server_that_keeps_breaking_off(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    with serving({NAME: BODY}, breaks=[100_000] * 6) as files:
        with pytest.raises(
            DownloadError, match=r"ended after 600000 of 700000 bytes\); the 0\.6 MB that came are kept"
        ) as caught:
            get(files.address, path)
        assert str(caught.value).endswith("for the next try. Do this.")
        assert names(tmp_path) == {"net.pth.part"}
        assert get(files.address, path).read_bytes() == BODY
        assert files.asked[-1] == (NAME, "bytes=600000-")


def test_a_silent_end_is_told_at_once(tmp_path: Path) -> None:
    with (
        serving({NAME: BODY}, breaks=[0] * 9) as files,
        pytest.raises(DownloadError, match="ended after 0 of 700000 bytes"),
    ):
        get(files.address, tmp_path / "net.pth")
    assert len(files.asked) == 1


def test_a_stale_part_is_thrown_away(tmp_path: Path) -> None:
    """An older file's beginning, as long as the file, or longer than it: from the start again."""
    path, part = tmp_path / "net.pth", tmp_path / "net.pth.part"
    for stale in (b"x" * 1000, b"x" * len(BODY), b"x" * (len(BODY) + 5)):
        part.write_bytes(stale)
        with serving({NAME: BODY}) as files:
            assert get(files.address, path).read_bytes() == BODY
            assert files.asked == [(NAME, f"bytes={len(stale)}-"), (NAME, None)]
        path.unlink()
    part.write_bytes(BODY)
    with serving({NAME: BODY}) as files:
        assert get(files.address, path).read_bytes() == BODY
        assert len(files.asked) == 1, "a complete part needs no more bytes"


def test_a_part_from_elsewhere_is_not_appended(tmp_path: Path) -> None:
    (tmp_path / "net.pth.part").write_bytes(BODY[:1000])
    with serving({NAME: BODY}, wrong_part=True) as files:
        assert get(files.address, tmp_path / "net.pth").read_bytes() == BODY
        assert [asked for _, asked in files.asked] == ["bytes=1000-", None]


def test_another_file_is_not_kept(tmp_path: Path) -> None:
    with (
        serving({NAME: b"<html>moved</html>"}) as files,
        pytest.raises(DownloadError, match=rf"begins with \w{{8}}, expected {SHA[:8]}; it was not kept. Do"),
    ):
        get(files.address, tmp_path / "net.pth")
    assert names(tmp_path) == set()


def test_a_wrong_file_put_by_hand_is_named(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(b"old")
    with pytest.raises(DownloadError, match=rf"net\.pth: found .*, expected {SHA[:8]}.*; delete it"):
        get("http://127.0.0.1:1", path)
    assert path.read_bytes() == b"old"


def test_no_network_and_no_such_file(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DownloadError, match=r"cannot be downloaded \(.*refused\)\. Do this\.$"):
        get(f"http://127.0.0.1:{port}", tmp_path / "net.pth")
    with (
        serving({}) as files,
        pytest.raises(DownloadError, match=r"the server answered 404 Not Found\)\. D"),
    ):
        get(files.address, tmp_path / "net.pth")
    with pytest.raises(DownloadError, match=r"expected an address that begins with https://"):
        get("file:///etc", tmp_path / "net.pth")
    assert names(tmp_path) == set()


def test_a_bar_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with serving({NAME: BODY}) as files:
        get(files.address, tmp_path / "net.pth")
    assert "net.pth" in terminal.getvalue() and "700.0" in terminal.getvalue()


def test_processes_share_a_download(tmp_path: Path) -> None:
    with serving({NAME: BODY}) as files:
        context = multiprocessing.get_context("fork")
        with locked(tmp_path / "net.pth"):
            both = [context.Process(target=get, args=(files.address, tmp_path / "net.pth")) for _ in range(2)]
            for process in both:
                process.start()
            both[0].join(0.2)
            assert files.asked == [] and both[0].is_alive(), "they wait for the lock"
        for process in both:
            process.join(20)
            assert process.exitcode == 0
        assert len(files.asked) == 1
    assert (tmp_path / "net.pth").read_bytes() == BODY


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CANTHUS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("CANTHUS_CACHE")
    for platform, variable, folder in (
        ("linux", "XDG_CACHE_HOME", "canthus"),
        ("win32", "LOCALAPPDATA", "canthus/cache"),
    ):
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.setenv(variable, str(tmp_path / "user"))
        assert cache_folder() == tmp_path / "user" / folder
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_folder() == tmp_path / "Library" / "Caches" / "canthus"
