"""The structure: who may import whom, what an import costs, what is public."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lashgraph

PACKAGE = Path(lashgraph.__file__).parent
ROOMS = [
    "errors",
    "version",
    "columns",
    "format",
    "sqlite",
    "tree",
    "reach",
    "comparison",
    "gc",
    "check",
    "frames",
    "store",
    "corpus",
    "redact",
    "plot",
    "report",
    "widgets",
    "testing",
    "cli",
]
"""Each room imports only from itself and from those above it."""

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE)


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it."""
    for found in ast.walk(ast.parse(path.read_text())):
        if isinstance(found, ast.Import):
            yield from (alias.name for alias in found.names)
        elif isinstance(found, ast.ImportFrom):
            assert found.level == 0, f"{path}: a relative import"
            assert found.module is not None
            yield from (f"{found.module}.{alias.name}" for alias in found.names)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_from_rooms_above_it(path: Path) -> None:
    allowed = ROOMS[: ROOMS.index(room_of(path)) + 1]
    for name in imports(path):
        if name.startswith("lashgraph."):
            assert name.split(".")[1] in allowed, f"{path} imports {name}"


def test_every_room_is_in_the_list_and_says_what_it_offers() -> None:
    rooms = {room_of(path) for path in MODULES}
    assert rooms == set(ROOMS) - {"errors", "version", "columns"}
    for room in rooms - {"sqlite", "testing"}:
        assert "__all__" in (PACKAGE / room / "__init__.py").read_text(), room


def test_the_oracle_shares_no_code_with_what_it_judges() -> None:
    oracle = "lashgraph.testing.oracle"
    modules = [path for path in MODULES if path.parent.name == "oracle"]
    assert modules
    for path in modules:
        ours = [name for name in imports(path) if name.startswith("lashgraph")]
        assert all(name.startswith(f"{oracle}.") for name in ours), path


def test_the_second_writer_shares_no_code_with_the_package() -> None:
    [path] = [path for path in MODULES if path.name == "runtime_writer.py"]
    assert not [name for name in imports(path) if name.startswith("lashgraph")]


def test_only_strategies_and_the_trials_by_them_need_hypothesis() -> None:
    users = [path for path in MODULES if any(n.startswith("hypothesis") for n in imports(path))]
    assert [path.relative_to(PACKAGE / "testing").as_posix() for path in users] == [
        "strategies.py",
        "torture/model.py",
        "torture/random_stores.py",
    ]


def test_connections_are_made_in_one_place() -> None:
    # torture looks at stores from outside
    inside = [path for path in MODULES if path.parent.name != "torture"]
    makers = [path for path in inside if "sqlite3.connect(" in path.read_text()]
    assert {path.relative_to(PACKAGE).as_posix() for path in makers} <= {
        "sqlite/connect.py",
        "cli/demo.py",
        "testing/damage.py",
        "testing/hostile.py",
        "testing/large.py",
        "testing/oracle/tables.py",
    }


def test_modules_stay_small() -> None:
    for path in MODULES:
        lines = len(path.read_text().splitlines())
        assert lines <= 450, f"{path.relative_to(PACKAGE)} has {lines} lines"


def loaded_after(*steps: str) -> list[set[str]]:
    """Which libraries one process has loaded after each of some statements."""
    tell = "print(*{name.partition('.')[0] for name in sys.modules})"
    script = "\n".join(["import sys", *(f"{step}\n{tell}" for step in steps)])
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return [set(line.split()) for line in done.stdout.splitlines()]


def test_heavy_libraries_are_loaded_when_they_are_used() -> None:
    heavy = {"matplotlib", "ipywidgets", "networkx", "typer", "hypothesis"}
    imported, read, drawn = loaded_after(
        "import lashgraph",
        "lashgraph.open(':memory:').nodes()",
        "lashgraph.plot.session_tree",
    )
    assert not imported & (heavy | {"pandas"})
    assert not read & heavy
    assert "matplotlib" in drawn


def test_the_public_names_are_few_and_all_there() -> None:
    assert len(lashgraph.__all__) <= 31
    assert sorted(lashgraph.__all__) == lashgraph.__dir__()
    for name in lashgraph.__all__:
        assert getattr(lashgraph, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        lashgraph.no_such_name  # noqa: B018
