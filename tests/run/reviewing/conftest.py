"""A finished night that is served, and a browser's requests."""

import http.client
import json

import pytest

from tests.reviewed_night import make_reviewed_nights_cheap, night, serving, write_frames


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("review")
    with pytest.MonkeyPatch.context() as patch:
        make_reviewed_nights_cheap(patch)
        night(write_frames(folder / "frames", ["E1"], frames=3), folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def served(out):
    with serving(out) as server:
        yield server


@pytest.fixture
def ask(served):
    """Asks as the page's own browser does, but for what is given; None leaves a header out."""
    access = served.access

    def asked(path, body=None, method=None, **headers):
        own = {
            "Host": f"127.0.0.1:{access.port}",
            "Cookie": f"blastoseg-{access.port}={access.session}",
            "Origin": access.origin if body is not None else None,
            "X-Blastoseg-Token": access.token if body is not None else None,
        }
        own |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", access.port, timeout=20)
        connection.putrequest(method or ("GET" if body is None else "POST"), path, skip_host=True)
        content = b"" if body is None else json.dumps(body).encode()
        own.setdefault("Content-Length", str(len(content)) if content else None)
        for name, value in own.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(content)
        answer = connection.getresponse()
        told = answer.read()
        connection.close()
        return answer, told

    return asked
