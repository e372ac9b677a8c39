"""The pages of patients in the output folder: in the ledger's register, as pictures are."""

from pathlib import Path

import pytest

from blastoseg.records import AboutEmbryo, FrameRef, FrameResult, Status
from blastoseg.run.journal import Journal
from blastoseg.run.outputs import NO_PATIENT, OutputFolder
from blastoseg.run.prune import find_prunable, follow_input
from blastoseg.run.reporting import Report
from blastoseg.run.request import RunRequest
from blastoseg.run.surroundings import reported_row
from blastoseg.settings import Settings
from blastoseg.sources.addresses import WholeImage


@pytest.fixture
def night(tmp_path, manifest):
    """Writes a report on an embryo of each patient, and does what a run does after it."""

    def run(patients: dict[str, str], pdf: bool = True) -> None:
        refs = [
            FrameRef(embryo, embryo, Path(embryo), 0, WholeImage(), about=AboutEmbryo(patient=patient))
            for embryo, patient in patients.items()
        ]
        rows = [reported_row(FrameResult(ref, Status.EXCLUDED), set()) for ref in refs]
        with Journal(tmp_path) as journal:
            report = Report(rows, RunRequest(paths=[], settings=Settings()))
            report.write(OutputFolder(tmp_path), manifest(), journal.pictures if pdf else None)
            follow_input(tmp_path, journal, report.pictures, None, lambda: None)

    return run


def prunable(out: Path) -> tuple[set[str], set[str]]:
    """The pages that prune would delete, and those that it would leave because they were changed."""
    with Journal(out) as journal:
        found = find_prunable(out, journal)
    return set(found.files), set(found.changed)


def test_a_page_lies_in_a_folder_of_its_patient_and_is_ours_to_delete_once_he_is_gone(
    tmp_path: Path, night
) -> None:
    night({"A": "P/1", "B": "", "C": "P2", "D": "P3"})
    [pages] = [sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("patients/*/*"))]
    assert f"patients/{NO_PATIENT}/{NO_PATIENT}.pdf" in pages
    assert "patients/P2/P2.pdf" in pages
    assert len(pages) == 4
    assert prunable(tmp_path) == (set(), set())
    (tmp_path / "patients" / "P3" / "P3.pdf").write_bytes(b"a person's own")
    night({"B": ""})
    gone, changed = prunable(tmp_path)
    assert gone == {page for page in pages if "P3" not in page and NO_PATIENT not in page}
    assert changed == {"patients/P3/P3.pdf"}
    night({"B": ""}, pdf=False)
    assert f"patients/{NO_PATIENT}/{NO_PATIENT}.pdf" in prunable(tmp_path)[0]


def test_the_page_of_embryos_without_a_patient_is_no_name_of_earlier_runs(tmp_path: Path, night) -> None:
    night({"B": "", "C": "P2"})
    assert OutputFolder(tmp_path).embryo_folders() == {"P2"}
