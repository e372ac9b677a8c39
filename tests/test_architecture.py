"""The rules of docs/architecture.md, held."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "blastoseg"
SOURCES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TREES = {path: ast.parse(path.read_text("utf-8")) for path in SOURCES}

PLAIN = {
    **{name: set() for name in ("tissues", "columns", "errors", "files", "stopping")},
    **{"settings": {"pydantic", "regex"}, "records": {"numpy"}},
}
"""Third-party packages of the rooms that everything else stands on."""
MAY_NAME_TORCH = {
    *("model.architectures", "model.loading", "model.segmenter", "model.onnx_network", "model.onnx_file"),
    *("model.averaging", "model.devices", "model.device_passes"),
    *("bench", "training", "cli"),
}
"""Rooms, or modules of a room."""
MUST_NOT_LOAD_TORCH = {
    *("files", "sources", "anatomy", "measure", "quality", "stages", "course", "report", "run", "simulate"),
    *("model.card", "model.described", "model.loading", "model.locating", "model.allocator"),
    *("model.engine", "model.batches"),
    *("model.architectures.registry", "model.architectures.unet"),
}
DISTRIBUTION_OF = {
    **{"cv2": "opencv-python", "skimage": "scikit-image", "PIL": "pillow", "tomli_w": "tomli-w"},
    "sklearn": "scikit-learn",
}


def _structure() -> ModuleType:
    """The script that counts rooms and arrows: what it counts is what is held here."""
    spec = importlib.util.spec_from_file_location("count_structure", ROOT / "docs" / "count_structure.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STRUCTURE = _structure()
ARROWS = STRUCTURE.arrows_of(PACKAGE)
PICTURE = STRUCTURE.picture_of(ROOT / "docs" / "architecture.md")


def _module(path: Path) -> str:
    """A file's dotted name below blastoseg; a package's is that of its folder."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def _stands_in(path: Path, places: Iterable[str]) -> bool:
    """Whether a file is one of the rooms or modules, or stands in one."""
    return any(f"{_module(path)}.".startswith(f"{place}.") for place in places)


def _third_party(tree: ast.AST) -> set[str]:
    tops = {name.partition(".")[0] for name in STRUCTURE.imported_modules(tree)}
    return tops - set(sys.stdlib_module_names) - {"blastoseg"}


def test_the_picture_shows_every_room_and_no_other() -> None:
    assert set(ARROWS) ^ set(PICTURE) == set()
    assert len(PICTURE) == len(ARROWS)


def test_a_room_imports_only_what_stands_above_it() -> None:
    assert STRUCTURE.upward_imports(ARROWS, PICTURE) == []
    assert STRUCTURE.cycle_of(ARROWS) == []


def test_imports_name_modules_that_there_are() -> None:
    known = {*PICTURE, "__version__", "RESEARCH_USE_ONLY"}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, tree in TREES.items()
        for name in STRUCTURE.imported_modules(tree)
        if name.startswith("blastoseg.") and name.split(".")[1] not in known
    ]
    assert not wrong


def test_rooms_are_few_and_so_are_the_arrows_between_them() -> None:
    assert len(ARROWS) <= 30
    assert sum(map(len, ARROWS.values())) <= 125


def test_training_knows_neither_report_nor_run_and_a_run_no_terminal() -> None:
    never = {
        "training": {"blastoseg.report", "blastoseg.run"},
        "run": {"typer", "rich"},
        "model.architectures": {"pathlib", "os", "numpy", "cv2"},
        "measure": {"pathlib", "os", "torch"},
        "anatomy": {"pathlib", "os", "torch"},
        "stages": {"os", "threading", "concurrent", "blastoseg.run"},
    }
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, tree in TREES.items()
        for name in STRUCTURE.imported_modules(tree)
        for place, modules in never.items()
        if _stands_in(path, [place])
        for banned in modules
        if name == banned or name.startswith(f"{banned}.")
    ]
    assert not wrong


def test_networks_are_known_by_name_outside_their_own_files() -> None:
    places = {"registry", "configuration", "contract", "encoder", "monai"}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, tree in TREES.items()
        if not _stands_in(path, ["model.architectures"])
        for name in STRUCTURE.imported_modules(tree)
        if name.startswith("blastoseg.model.architectures.") and name.split(".")[3] not in places
    ]
    assert not wrong


def test_only_the_named_modules_use_third_party_packages_and_torch() -> None:
    for path, tree in TREES.items():
        used, room = _third_party(tree), STRUCTURE.room_of(path, PACKAGE)
        assert used <= PLAIN.get(room, used), f"{path.name} imports {used}"
        assert "torch" not in used or _stands_in(path, MAY_NAME_TORCH), f"{path.name} imports torch"


def test_every_third_party_package_is_declared_and_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {re.split(r"[<>=\[ ]", requirement)[0].lower() for group in groups for requirement in group}
    pinned = set(re.findall(r"^([\w-]+)==", (ROOT / "constraints.txt").read_text("utf-8").lower(), re.M))
    used = {DISTRIBUTION_OF.get(name, name).lower() for tree in TREES.values() for name in _third_party(tree)}
    assert used <= declared
    assert declared <= pinned


def _loaded_modules(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "code",
    [
        "import blastoseg",
        "sys.argv = ['blastoseg', '--help']\nimport blastoseg.cli\n"
        "try: blastoseg.cli.main()\nexcept SystemExit: pass",
    ],
    ids=["import", "help"],
)
def test_neither_import_nor_help_loads_anything_heavy(code: str) -> None:
    heavy = {"torch", "cv2", "pandas", "numpy", "scipy", "skimage", "openpyxl", "pydantic", "lightning"}
    assert not heavy & _loaded_modules(code)


def test_help_answers_in_under_0_4_seconds() -> None:
    def processor_time() -> float:
        times = os.times()
        return times.children_user + times.children_system

    # The processor's time, the least of three: how long a person waits where nothing else runs.
    needed = []
    for _ in range(3):
        before = processor_time()
        subprocess.run(
            [sys.executable, "-m", "blastoseg", "--help"], capture_output=True, check=True, cwd=ROOT
        )
        needed.append(processor_time() - before)
    assert min(needed) < 0.4


def _loaded_with(places: Iterable[str]) -> set[str]:
    names = [f"blastoseg.{_module(path)}" for path in SOURCES if _stands_in(path, places)]
    assert names
    return _loaded_modules("import " + ", ".join(names))


@pytest.mark.slow
def test_reading_measuring_and_reporting_load_no_torch() -> None:
    assert "torch" not in _loaded_with(MUST_NOT_LOAD_TORCH)


def test_a_card_is_read_without_any_network_library() -> None:
    assert not {"torch", "safetensors", "cv2"} & _loaded_modules("import blastoseg.model.card")


def test_simulating_loads_neither_the_ledger_nor_a_reader() -> None:
    assert not {"sqlite3", "tifffile", "torch"} & _loaded_with({"simulate"})


def test_files_and_functions_stay_short() -> None:
    wrong = []
    for path in SOURCES + TESTS:
        text = path.read_text("utf-8")
        if text.count("\n") > 300:
            wrong.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                # A command's signature is the table of its options: its body counts.
                first = node.body[0].lineno if _is_command(path, node) else node.lineno
                if (node.end_lineno or 0) - first >= 60:
                    wrong.append(f"{path.relative_to(ROOT)}: {node.name} is too long")
    assert not wrong


def test_functions_take_at_most_six_parameters() -> None:
    wrong = []
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and not _is_command(path, node):
                arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
                if len([one for one in arguments if one.arg not in ("self", "cls")]) > 6:
                    wrong.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert not wrong


def test_a_call_with_more_than_four_arguments_names_the_rest() -> None:
    kinds = (ast.FunctionDef, ast.ClassDef)
    own = {node.name for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, kinds)}
    wrong = []
    for path, tree in TREES.items():
        foreign = _foreign_names(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or ast.unparse(node.func).partition(".")[0] in foreign:
                continue
            called = ast.unparse(node.func).rpartition(".")[2]
            unnamed = [one for one in node.args if not isinstance(one, ast.Starred)]
            if called in {*own, "cls"} and len(unnamed) > 4:
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {called}")
    assert not wrong


def _foreign_names(tree: ast.AST) -> set[str]:
    """What a module's names from other packages are: nobody here names their parameters."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {one.asname or one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] != "blastoseg":
            names |= {one.asname or one.name for one in node.names}
    return names - {"blastoseg"}


def _is_command(path: Path, function: ast.FunctionDef) -> bool:
    return path.parent == PACKAGE / "cli" and "Annotated" in ast.unparse(function.args)


def test_no_file_is_a_drawer_for_everything() -> None:
    drawers = {"util", "utils", "helper", "helpers", "common", "misc"}
    assert not [path for path in SOURCES + TESTS if path.stem in drawers]


def test_nothing_is_unpickled_evaluated_or_fetched() -> None:
    banned_modules = {"pickle", "dill", "marshal", "shelve", "urllib", "http", "requests", "ftplib", "ray"}
    # docs/architecture.md says what these may.
    exceptions = {"run.reviewing.server": {"http", "urllib"}, "run.distributed.connection": {"ray"}}
    banned_calls = {"eval", "exec", "torch.load", "joblib.load", "pd.read_pickle", "os.system"}
    wrong = []
    for path, tree in TREES.items():
        allowed = exceptions.get(_module(path), set())
        wrong += [
            f"{path.name}: {name}"
            for name in STRUCTURE.imported_modules(tree)
            if name.partition(".")[0] in banned_modules - allowed
        ]
        for node in ast.walk(tree):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in banned_calls and not _loads_own_checkpoint(path, node):
                wrong.append(f"{path.name}: {called}")
            if isinstance(node, ast.keyword) and node.arg in {"allow_pickle", "shell"}:
                wrong.append(f"{path.name}: {node.arg}")
    assert not wrong


def _loads_own_checkpoint(path: Path, call: ast.AST) -> bool:
    """Lightning's checkpoints, read by torch's loader that runs no code; weights are safetensors."""
    assert isinstance(call, ast.Call)
    safe = any(word.arg == "weights_only" and ast.unparse(word.value) == "True" for word in call.keywords)
    return _stands_in(path, ["training"]) and ast.unparse(call.func) == "torch.load" and safe


def test_no_test_folder_is_a_package() -> None:
    assert not [path for path in TESTS if path.name == "__init__.py"]
