import platform
import subprocess
import sys

import pytest

COUNT_PAGE_FAULTS = """
import resource, sys
import numpy as np
if sys.argv[1] == "reuse":
    from blastoseg.model.allocator import reuse_freed_memory
    assert reuse_freed_memory()
faults = []
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.ones(48 << 20, np.uint8)
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(faults[1])
"""


def faults_of_second_round(how: str) -> int:
    finished = subprocess.run(
        [sys.executable, "-c", COUNT_PAGE_FAULTS, how], capture_output=True, text=True, check=True
    )
    return int(finished.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the setting")
def test_large_memory_that_was_freed_is_used_again_without_page_faults():
    assert faults_of_second_round("reuse") < 0.1 * faults_of_second_round("leave")
