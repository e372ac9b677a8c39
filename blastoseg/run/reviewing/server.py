"""The server of ``blastoseg review``: 127.0.0.1 only, for one report, until it is asked to end.

The standard library's, because it is asked by one person on one machine: what it takes and gives is decided
here, in ``access.py``, ``asked.py`` and ``files.py``.
"""

import json
import logging
import os
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import cv2
from pydantic import ValidationError

from blastoseg.errors import (
    BlastosegError,
    DataError,
    InputNotFoundError,
    LockedError,
    OutputError,
    UnreadableFrameError,
)
from blastoseg.run.reviewing.access import HOST, Access
from blastoseg.run.reviewing.asked import MOST_BYTES, AskedCarry, AskedSave, AskedWithdraw
from blastoseg.run.reviewing.files import entrance, served_file
from blastoseg.run.reviewing.saving import ChangedMeanwhileError, Drawn, Reviewer
from blastoseg.run.verdicts import VerdictFile, take_verdicts

log = logging.getLogger(__name__)

SECONDS_A_REQUEST = 30
_JSON, _BYTES, _PNG = "application/json", "application/octet-stream", "image/png"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_STATUS_OF: list[tuple[type[Exception], HTTPStatus]] = [
    (LockedError, HTTPStatus.LOCKED),
    (ChangedMeanwhileError, HTTPStatus.CONFLICT),
    (InputNotFoundError, HTTPStatus.NOT_FOUND),
    (UnreadableFrameError, HTTPStatus.NOT_FOUND),
    (DataError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (ValidationError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (OutputError, HTTPStatus.INSUFFICIENT_STORAGE),
]

Answer = tuple[HTTPStatus, bytes, str]


class ReviewServer(ThreadingHTTPServer):
    """Serves ``reviewer``'s report; ``access`` has the address. Port 0 takes any free one.

    Raises OSError where the port is taken. ``serve_forever`` ends after ``stop``.
    """

    daemon_threads = True
    # Where the system would let another program share the port, it must not.
    allow_reuse_address = os.name != "nt"

    def __init__(self, reviewer: Reviewer, port: int = 0) -> None:
        super().__init__((HOST, port), _Handler)
        self.reviewer = reviewer
        self.access = Access(self.server_port)
        self.saved = 0
        self._writing = threading.Lock()

    def server_bind(self) -> None:
        """Take the port, without asking the network for this machine's name as the base class does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def stop(self) -> None:
        """Ask the server to end: from any thread but the one that serves."""
        threading.Thread(target=self.shutdown, daemon=True).start()

    def write(self, action: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Let one request at a time write."""
        with self._writing:
            told = action()
            self.saved += 1
            return told

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away while it is answered is no error of ours."""
        log.info("a request broke off", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    protocol_version = "HTTP/1.1"
    timeout = SECONDS_A_REQUEST
    server_version, sys_version = "blastoseg", ""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged of a request: its path may hold a name."""

    def _answer(self, work: Callable[[], Answer]) -> None:
        try:
            status, content, kind = work()
        except (BlastosegError, ChangedMeanwhileError, ValidationError) as error:
            status = next(
                (code for known, code in _STATUS_OF if isinstance(error, known)), HTTPStatus.CONFLICT
            )
            status, content, kind = _told(status, {"problem": _in_words(error)})
        except Exception:
            log.exception("a request failed")
            status, content, kind = _told(HTTPStatus.INTERNAL_SERVER_ERROR, {"problem": "an internal error"})
        if status >= HTTPStatus.BAD_REQUEST:
            # What was sent and not read must not be taken for the next request.
            self.close_connection = True
        self.send_response(status)
        for name, value in (_HEADERS | self._more_headers(status)).items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _more_headers(self, status: HTTPStatus) -> dict[str, str]:
        is_entered = self.path == "/session" and status is HTTPStatus.OK
        more = {"Set-Cookie": self.server.access.cookie} if is_entered else {}
        return more | ({"Connection": "close"} if self.close_connection else {})

    def _get(self) -> Answer:
        access, headers = self.server.access, self._small_headers()
        if not access.is_named(headers):
            return _refused("this server answers only its own page")
        asked = urlsplit(self.path)
        path = unquote(asked.path, errors="surrogateescape").removeprefix("/")
        if path == "favicon.ico":
            return HTTPStatus.OK, b"", "image/x-icon"  # browsers ask by themselves, and complain without
        if path in _ENTRANCE:
            return HTTPStatus.OK, *entrance(_ENTRANCE[path])
        if not access.is_here(headers) or not access.may_read(headers):
            return _refused("open the address that blastoseg review printed")
        if path in _READS:
            return _READS[path](self.server.reviewer, _Query(asked.query))
        found = served_file(self.server.reviewer.out, path)
        return _missing() if found is None else (HTTPStatus.OK, *found)

    def _post(self) -> Answer:
        access, headers = self.server.access, self._small_headers()
        if not (access.is_named(headers) and access.is_here(headers) and access.may_write(headers)):
            return _refused("open the address that blastoseg review printed")
        if self.path == "/session":
            self._body()
            return _told(HTTPStatus.OK, {})
        if self.path == "/api/stop":
            self._body()
            self.server.stop()
            return _told(HTTPStatus.OK, {})
        if self.path not in _WRITES:
            return _missing()
        kind, action = _WRITES[self.path]
        asked = kind.model_validate_json(self._body())
        return _told(HTTPStatus.OK, self.server.write(lambda: action(self.server.reviewer, asked)))

    def _small_headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not length.isascii() or not length.isdigit():
            raise DataError("the length of the request is not told")
        if int(length) > MOST_BYTES:
            raise DataError("the request is too large")
        return self.rfile.read(int(length))


class _Query:
    """What stands behind the ``?`` of an address."""

    def __init__(self, text: str) -> None:
        self._values = parse_qs(text, max_num_fields=8)

    def text(self, name: str) -> str:
        return self._values.get(name, [""])[0]

    def place(self) -> int:
        text = self.text("place")
        if not (text.isascii() and text.isdigit() and len(text) < 9):
            raise DataError("place: is no number")
        return int(text)


def _state(reviewer: Reviewer, query: _Query) -> Answer:
    return _told(HTTPStatus.OK, reviewer.state(query.text("embryo")))


def _picture(reviewer: Reviewer, query: _Query) -> Answer:
    _, encoded = cv2.imencode(".png", reviewer.plain(query.text("embryo"), query.place()))
    return HTTPStatus.OK, encoded.tobytes(), _PNG


def _labels(reviewer: Reviewer, query: _Query) -> Answer:
    """Height and width as two numbers of four bytes, then a byte a pixel."""
    of_network = query.text("of") == "network"
    labels = reviewer.labels(query.text("embryo"), query.place(), of_network)
    size = b"".join(side.to_bytes(4, "little") for side in labels.shape)
    return HTTPStatus.OK, size + labels.tobytes(), _BYTES


def _save(reviewer: Reviewer, asked: AskedSave) -> dict[str, Any]:
    drawn = Drawn(asked.decoded(), asked.by.strip(), asked.revision)
    return reviewer.save(asked.report, asked.embryo, asked.place, drawn)


def _withdraw(reviewer: Reviewer, asked: AskedWithdraw) -> dict[str, Any]:
    return reviewer.withdraw(asked.report, asked.embryo, asked.place, asked.revision)


def _carry(reviewer: Reviewer, asked: AskedCarry) -> dict[str, Any]:
    places = (asked.first, asked.last)
    return reviewer.carry(asked.report, asked.embryo, places, asked.tissue, by=asked.by.strip())


def _verdicts(reviewer: Reviewer, asked: VerdictFile) -> dict[str, Any]:
    new, _ = take_verdicts(asked, reviewer.out, "the page")
    return {"new": new}


_ENTRANCE = {"": "entrance.html", "entrance.js": "entrance.js"}
_READS: dict[str, Callable[[Reviewer, _Query], Answer]] = {
    "api/state": _state,
    "api/picture": _picture,
    "api/labels": _labels,
}
_WRITES: dict[str, tuple[Any, Callable[[Reviewer, Any], dict[str, Any]]]] = {
    "/api/save": (AskedSave, _save),
    "/api/withdraw": (AskedWithdraw, _withdraw),
    "/api/carry": (AskedCarry, _carry),
    "/api/verdicts": (VerdictFile, _verdicts),
}


def _told(status: HTTPStatus, values: dict[str, Any]) -> Answer:
    return status, json.dumps(values, allow_nan=False).encode(), _JSON


def _missing() -> Answer:
    return _told(HTTPStatus.NOT_FOUND, {"problem": "there is no such file"})


def _refused(problem: str) -> Answer:
    return _told(HTTPStatus.FORBIDDEN, {"problem": problem})


def _in_words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'JSON'}: {first['msg']}"
    if isinstance(error, LockedError):
        # Its advice is for a command line.
        return f"{str(error).partition(': wait for it')[0]}: what you did stays here: save it when that ended"
    return str(error)
