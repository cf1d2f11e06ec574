"""A server on this machine for the tests of downloads: with or without Range, breaking off on demand."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Files:
    """Path -> content, and how they are served; `asked` lists (path, Range header) of every request."""

    content: dict[str, bytes]
    ranges: bool = True
    #: Bytes after which a connection ends, for each connection in turn; None lets it end by itself.
    breaks: list[int | None] = field(default_factory=list)
    wrong_part: bool = False
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    address: str = ""


@contextmanager
def serving(content: dict[str, bytes], **options: bool | list[int | None]) -> Iterator[Files]:
    """Files at `address`/path until the block ends."""
    files = Files(content, **options)  # type: ignore[arg-type]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            files.asked.append((self.path, asked))
            body = files.content.get(self.path)
            if body is None:
                self.send_error(404)
                return
            found = re.fullmatch(r"bytes=(\d+)-", asked or "") if files.ranges else None
            start = int(found[1]) if found else 0
            if found and start >= len(body):
                self.send_error(416)
                return
            self.send_response(206 if found else 200)
            self.send_header("Content-Length", str(len(body) - start))
            if found:
                first = start + 1 if files.wrong_part else start
                self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
            self.end_headers()
            end = files.breaks.pop(0) if files.breaks else None
            self.wfile.write(body[start:] if end is None else body[start : start + end])
            self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing is told."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    files.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield files
    finally:
        server.shutdown()
        server.server_close()
