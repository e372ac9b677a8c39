"""How the C library hands out memory: set for networks that run on the CPU."""

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Parameters of glibc's ``mallopt``, as numbered in malloc.h."""

_MIB = 1 << 20


def reuse_freed_memory() -> bool:
    """Let freed memory be used again instead of given back to the system; True where that can be set.

    By default glibc maps each of a network's large intermediate images afresh and unmaps it after use, and
    the system clears every page of it: a third of the time of a pass. The peak of memory stays as it was.
    Other C libraries are left as they are.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    set_option = ctypes.CDLL(None).mallopt
    chosen = ((_MMAP_THRESHOLD, 512 * _MIB), (_TRIM_THRESHOLD, 1024 * _MIB), (_ARENA_MAX, 1))
    accepted = [bool(set_option(option, value)) for option, value in chosen]
    return all(accepted)
