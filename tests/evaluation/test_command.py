"""``blastoseg evaluate`` from the command line, with networks that read tissues from gray values."""

import cv2
import openpyxl
import pytest
import typer
from typer.testing import CliRunner

from blastoseg.cli.evaluate import evaluate
from blastoseg.errors import DataError, UsageError
from blastoseg.evaluation import evaluate as stage
from blastoseg.model.card import Card

pytestmark = pytest.mark.slow

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(evaluate)


@pytest.fixture
def call(monkeypatch, networks):
    networks.engine = "torch"
    networks.device = type("Device", (), {"type": "cpu"})()
    card = Card.model_construct(name="drawn", version="1", files={"weights.safetensors": "00"})
    monkeypatch.setattr(stage, "load_card", lambda name: card)
    monkeypatch.setattr(stage, "Segmenter", lambda card, device, batch_size, flips, engine: networks)
    monkeypatch.setattr(stage, "describe_device", lambda device: "none")

    def invoke(*arguments):
        answer = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if answer.exception and not isinstance(answer.exception, SystemExit):
            raise answer.exception
        return answer

    return invoke


def write_cases(folder, make_case, radii):
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for radius in radii:
        case = make_case("c", radius=radius)
        cv2.imwrite(str(folder / "images" / f"e{radius}.png"), case.image)
        cv2.imwrite(str(folder / "masks" / f"e{radius}.png"), case.labels)


def test_labelled_images_give_scores_files_and_a_last_line(call, make_case, tmp_path):
    write_cases(tmp_path / "data", make_case, (90, 110))
    out = tmp_path / "out"
    answer = call(tmp_path / "data", "--out", out, "--um-per-px", "0.5")
    assert answer.exit_code == 0
    assert "2 images: mean Jaccard 9" in answer.output.splitlines()[-1]
    for name in ("evaluation.xlsx", "scores.csv", "cases.csv", "agreement.csv", "plots/reliability.png"):
        assert (out / name).is_file()


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_the_engine_asked_for_computes_and_stands_on_the_sheet_run(engine, tiny_model, make_case, tmp_path):
    pytest.importorskip("onnxruntime")
    write_cases(tmp_path / "data", make_case, (90,))
    asked = [tmp_path / "data", "--out", tmp_path / "out", "--weights", tiny_model, "--engine", engine]
    answer = CliRunner().invoke(app, [str(argument) for argument in asked])
    assert answer.exit_code == 0, answer.output
    rows = openpyxl.load_workbook(tmp_path / "out" / "evaluation.xlsx")["Run"].iter_rows(values_only=True)
    assert engine in next(row for row in rows if "Engine" in row)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "either DATA"),
        (["data", "--simulated", "3"], "either DATA"),
        (["--simulated", "3", "--split", "test"], "--split"),
        (["data", "--um-per-px", "-1"], "um-per-px"),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(call, arguments, message):
    with pytest.raises(UsageError, match=message):
        call(*arguments)


def test_a_folder_of_no_known_layout_is_a_data_error_and_nothing_is_written(call, tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(DataError, match="known"):
        call(tmp_path / "data", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
