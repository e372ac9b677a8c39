"""What is told of networks before they are loaded: the same as after, and every fault that can be seen."""

from pathlib import Path

import pytest

from blastoseg.errors import DeviceError, EnvironmentProblemError, UsageError, WeightsError
from blastoseg.model import engine, planned
from blastoseg.model.card import load_card
from blastoseg.model.planned import plan_networks


def test_a_plan_is_what_the_networks_become(tiny_model: Path) -> None:
    from blastoseg.model.segmenter import Segmenter

    card = load_card(tiny_model)
    plan, networks = plan_networks(card, "auto", "torch"), Segmenter(card, "auto", engine="torch")
    assert (plan.engine, plan.precision) == (networks.engine, networks.precision)
    assert networks.device_in_words.startswith(plan.device_in_words)


@pytest.mark.parametrize("file", ["weights.safetensors", "locator.safetensors"])
def test_files_that_are_not_the_cards_are_told_without_loading_them(tiny_model: Path, file: str) -> None:
    path = tiny_model / file
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=f"{file}: is damaged"):
        plan_networks(load_card(tiny_model), "cpu", "torch")
    path.unlink()
    with pytest.raises(WeightsError, match=f"{file}: is missing"):
        plan_networks(load_card(tiny_model), "cpu", "torch")


def test_an_engine_or_a_gpu_that_is_asked_for_must_be_there(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    card = load_card(tiny_model)
    monkeypatch.setattr(engine, "missing_libraries", lambda: ["onnxruntime"])
    with pytest.raises(EnvironmentProblemError, match="onnxruntime"):
        plan_networks(card, "auto", "onnx")
    with pytest.raises(UsageError, match="unknown engine"):
        plan_networks(card, "auto", "tensorrt")
    for has_driver in (True, False):
        monkeypatch.setattr(planned, "may_have_gpu", lambda known=has_driver: known)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        with pytest.raises(DeviceError, match="no CUDA device"):
            plan_networks(card, "cuda", "torch")
        assert plan_networks(card, "auto", "torch").precision == "float32"
    with pytest.raises(DeviceError, match="unknown device"):
        plan_networks(card, "tpu", "torch")
