"""Who may ask the server: the browser that was given this run's address, and nobody else.

Another page in the same browser is told apart by Origin and Host (a name that was led to 127.0.0.1 has
another Host), another user of the machine by two secrets: the token, which stands behind the ``#`` of the
address and so in no log, and which everything that writes must send; and the cookie, which the token is
changed for and without which nothing of the report is served. Cookies know no ports, which is why a cookie
alone writes nothing.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Access:
    """The secrets of one server on ``port``, new at each start. Names of headers are in small letters."""

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def origin(self) -> str:
        """Where the page comes from."""
        return f"http://{HOST}:{self.port}"

    @property
    def address(self) -> str:
        """What a person opens."""
        return f"{self.origin}/#{self.token}"

    @property
    def cookie(self) -> str:
        """The header that gives a browser the cookie of this server."""
        return f"blastoseg-{self.port}={self.session}; HttpOnly; SameSite=Strict; Path=/"

    def is_named(self, headers: Mapping[str, str]) -> bool:
        """Whether the browser asks this machine by its number, and not by a name that was led here."""
        return headers.get("host") == f"{HOST}:{self.port}"

    def is_here(self, headers: Mapping[str, str]) -> bool:
        """Whether the browser asks by itself, and no other page has it ask."""
        site = headers.get("sec-fetch-site", "none")
        return headers.get("origin", self.origin) == self.origin and site in ("none", "same-origin")

    def may_read(self, headers: Mapping[str, str]) -> bool:
        """Whether the cookie is this server's."""
        given = [part.strip().partition("=") for part in headers.get("cookie", "").split(";")]
        name = f"blastoseg-{self.port}"
        return any(key == name and _is_same(value, self.session) for key, _, value in given)

    def may_write(self, headers: Mapping[str, str]) -> bool:
        """Whether the page itself asks: with the token, and from the origin that its browser tells."""
        given = headers.get("x-blastoseg-token", "")
        return headers.get("origin") == self.origin and _is_same(given, self.token)


def _is_same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.encode())
