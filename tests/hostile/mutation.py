"""Hostile bytes out of good ones. The same seed gives the same bytes, on every machine."""

import random
import re
from collections.abc import Callable, Sequence

INTERESTING = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
TEXTS = (
    *(b"nan", b"inf", b"-1", b"1e308", b"-0", b"9" * 5000, b"null", b"true", b"{}", b"[]", b'""'),
    *(b"\xff\xfe", b"\x00", b"\r", b'"', b"'''", b"[" * 3000, b'{"a":' * 3000, b"a.b." * 3000 + b"c = 1\n"),
    *("\u202e\N{SNOWMAN}".encode(), b"../../../etc/passwd", b"=1+1", b"<!ENTITY a 'a'>"),
)
LARGEST = 200_000
"""Bytes of a mutant: a large file is not hostile for its size."""

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
Mutation = Callable[[random.Random, bytearray], None]


def mutant(seed: int, seeds: Sequence[bytes]) -> bytes:
    """One hostile file made from one of ``seeds``, or from the halves of two."""
    chance = random.Random(seed)
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 2, 3, 5, 9))):
        chance.choice(MUTATIONS)(chance, data)
    if chance.random() < 0.05:
        other = chance.choice(seeds)
        data[_place(chance, data) :] = other[_place(chance, other) :]
    return bytes(data[:LARGEST])


def _place(chance: random.Random, data: Sequence[int]) -> int:
    # Headers stand at the front: half of all changes go there.
    reach = min(len(data), 256) if chance.random() < 0.5 else len(data)
    return chance.randrange(reach + 1)


def _flip_a_bit(chance: random.Random, data: bytearray) -> None:
    if data:
        data[min(_place(chance, data), len(data) - 1)] ^= 1 << chance.randrange(8)


def _set_a_number(chance: random.Random, data: bytearray) -> None:
    size, order = chance.choice((1, 2, 4, 8)), chance.choice(("little", "big"))
    value = chance.choice(INTERESTING) & ((1 << 8 * size) - 1)
    at = _place(chance, data)
    data[at : at + size] = value.to_bytes(size, order)


def _cut_short(chance: random.Random, data: bytearray) -> None:
    del data[_place(chance, data) :]


def _remove(chance: random.Random, data: bytearray) -> None:
    at = _place(chance, data)
    del data[at : at + chance.choice((1, 2, 4, 16, 200))]


def _repeat(chance: random.Random, data: bytearray) -> None:
    at = _place(chance, data)
    part = data[at : at + chance.choice((1, 4, 32, 500))]
    data[at:at] = part * chance.choice((1, 2, 20))


def _overwrite_with_noise(chance: random.Random, data: bytearray) -> None:
    at, size = _place(chance, data), chance.choice((1, 4, 16, 64))
    data[at : at + size] = chance.randbytes(size)


def _exchange(chance: random.Random, data: bytearray) -> None:
    one, other, size = _place(chance, data), _place(chance, data), chance.choice((1, 2, 4, 12))
    data[one : one + size], data[other : other + size] = (
        data[other : other + size],
        data[one : one + size],
    )


def _insert_a_text(chance: random.Random, data: bytearray) -> None:
    at = _place(chance, data)
    data[at:at] = chance.choice(TEXTS)


def _replace_a_written_number(chance: random.Random, data: bytearray) -> None:
    found = list(_NUMBER.finditer(bytes(data[:20_000])))
    if found:
        one = chance.choice(found)
        data[one.start() : one.end()] = chance.choice(TEXTS)


MUTATIONS: tuple[Mutation, ...] = (
    _flip_a_bit,
    _set_a_number,
    _cut_short,
    _remove,
    _repeat,
    _overwrite_with_noise,
    _exchange,
    _insert_a_text,
    _replace_a_written_number,
)
