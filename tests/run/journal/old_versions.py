"""Ledgers as earlier versions wrote them."""

import sqlite3
from contextlib import closing
from pathlib import Path

_TO_2 = """
ALTER TABLE frames DROP COLUMN around; ALTER TABLE frames DROP COLUMN digest;
ALTER TABLE run_events DROP COLUMN digest; PRAGMA user_version = 2;
"""
_TO_1 = (
    _TO_2
    + """
DROP TABLE pictures; ALTER TABLE frames RENAME COLUMN stages TO software;
UPDATE frames SET software = '0.1.0'; PRAGMA user_version = 1;
"""
)


def make_older(ledger: Path, version: int) -> None:
    """Take off a whole ledger what ``version`` 1 or 2 had not."""
    with closing(sqlite3.connect(ledger)) as database:
        database.executescript({1: _TO_1, 2: _TO_2}[version] + "VACUUM;")
