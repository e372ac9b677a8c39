"""The rules of docs/architecture.md, held."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "blastoseg"
SOURCES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TREES = {path: ast.parse(path.read_text("utf-8")) for path in SOURCES}

PLAIN = {
    "tissues": set(),
    "columns": set(),
    "errors": set(),
    "settings": {"pydantic", "regex"},
    "records": {"numpy"},
}
"""Third-party packages of the modules that everything else stands on."""
MAY_NAME_TORCH = {"network", "weights", "segment", "bench", "training", "cli"}
MUST_NOT_LOAD_TORCH = {
    *("sources", "locate", "polar", "pieces", "anatomy", "measure", "quality", "series"),
    *("report", "journal", "outputs", "scoring", "simulate", "weights"),
}
DISTRIBUTION_OF = {"cv2": "opencv-python", "skimage": "scikit-image", "PIL": "pillow", "tomli_w": "tomli-w"}


def _unit(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(tree: ast.AST) -> Iterator[str]:
    """Every imported module, dotted, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            if node.module == "blastoseg":
                yield from (f"blastoseg.{name.name}" for name in node.names)
            else:
                yield node.module or ""


def _third_party(tree: ast.AST) -> set[str]:
    tops = {name.partition(".")[0] for name in _imports(tree)}
    return tops - set(sys.stdlib_module_names) - {"blastoseg"}


def _picture() -> list[str]:
    """The package's modules in the order of the picture in docs/architecture.md."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    block = text.partition("```\nblastoseg/")[2].partition("\nweights/")[0]
    return re.findall(r"^ +(\w+)(?:\.py|/) ", block, re.MULTILINE)


def test_the_picture_shows_every_module_and_no_other() -> None:
    modules = {_unit(path) for path in SOURCES} - {"__init__"}
    assert modules ^ set(_picture()) == set()
    assert len(_picture()) == len(modules)


def test_a_module_imports_only_what_stands_above_it() -> None:
    order = ["__init__", *_picture()]
    wrong = []
    for path, tree in TREES.items():
        if _unit(path) not in order:
            continue
        allowed = {*order[: order.index(_unit(path)) + 1], "__version__", "RESEARCH_USE_ONLY"}
        for name in _imports(tree):
            top, _, rest = name.partition(".")
            if top == "blastoseg" and rest and rest.partition(".")[0] not in allowed:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong


def test_training_knows_neither_report_nor_pipeline_and_the_pipeline_no_terminal() -> None:
    never = {
        "training": {"blastoseg.report", "blastoseg.pipeline"},
        "pipeline": {"typer", "rich"},
        "network": {"pathlib", "os", "numpy", "cv2"},
        "measure": {"pathlib", "os", "torch"},
        "anatomy": {"pathlib", "os", "torch"},
    }
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, tree in TREES.items()
        for name in _imports(tree)
        for banned in never.get(_unit(path), set())
        if name == banned or name.startswith(f"{banned}.")
    ]
    assert not wrong


def test_only_the_named_modules_use_third_party_packages_and_torch() -> None:
    for path, tree in TREES.items():
        used, unit = _third_party(tree), _unit(path)
        assert used <= PLAIN.get(unit, used), f"{path.name} imports {used}"
        assert "torch" not in used or unit in MAY_NAME_TORCH, f"{path.name} imports torch"


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

    # The processor's time: how long a person waits where nothing else runs, as it may during tests.
    before = processor_time()
    subprocess.run([sys.executable, "-m", "blastoseg", "--help"], capture_output=True, check=True, cwd=ROOT)
    assert processor_time() - before < 0.4


def test_reading_measuring_and_reporting_load_no_torch() -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in SOURCES
        if _unit(path) in MUST_NOT_LOAD_TORCH
    ]
    assert "torch" not in _loaded_modules("import " + ", ".join(names))


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


def _is_command(path: Path, function: ast.FunctionDef) -> bool:
    return path.parent == PACKAGE / "cli" and "Annotated" in ast.unparse(function.args)


def test_no_file_is_a_drawer_for_everything() -> None:
    drawers = {"util", "utils", "helper", "helpers", "common", "misc"}
    assert not [path for path in SOURCES + TESTS if path.stem in drawers]


def test_nothing_is_unpickled_evaluated_or_fetched() -> None:
    banned_modules = {"pickle", "dill", "marshal", "shelve", "urllib", "http", "requests", "ftplib"}
    banned_calls = {"eval", "exec", "torch.load", "joblib.load", "pd.read_pickle", "os.system"}
    wrong = []
    for path, tree in TREES.items():
        wrong += [
            f"{path.name}: {name}" for name in _imports(tree) if name.partition(".")[0] in banned_modules
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
    return _unit(path) == "training" and ast.unparse(call.func) == "torch.load" and safe


def test_no_test_folder_is_a_package() -> None:
    assert not [path for path in TESTS if path.name == "__init__.py"]
