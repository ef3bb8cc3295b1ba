"""``python -m lashgraph.testing.torture.guided``: fuzzing that is led by what the code does.

Needs atheris (extra ``fuzz``), which watches the branches of `lashgraph.format` and changes the
bytes towards those that were not taken yet. Bytes that break a promise are written to a file.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from lashgraph.testing.torture.decoders import READERS, seeds

_LONGEST = 1 << 16


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; it ends by itself, with 0 if every promise held."""
    parser = argparse.ArgumentParser(
        prog="python -m lashgraph.testing.torture.guided",
        description="Fuzz one reader of bytes with coverage to guide it (pip install "
        "'lashgraph[fuzz]'). Bytes that break a promise are written to the folder it runs in.",
    )
    parser.add_argument("reader", choices=["envelope", "head", "manifest", "node", "state", "turn"])
    parser.add_argument("--seconds", type=int, default=60, help="how long")
    parser.add_argument("--corpus", type=Path, help="a folder that keeps what was found, for later")
    asked = parser.parse_args(arguments)
    try:
        import atheris
    except ImportError:
        print("atheris is missing: pip install 'lashgraph[fuzz]'", file=sys.stderr)
        return 2
    for name, module in sorted(sys.modules.items()):
        if name.startswith("lashgraph.format."):
            _watch(atheris, module)
    with tempfile.TemporaryDirectory() as folder:
        corpus = asked.corpus or Path(folder)
        corpus.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(seeds()[asked.reader]):
            (corpus / f"seed-{number}").write_bytes(data)
        options = [f"-max_total_time={asked.seconds}", f"-max_len={_LONGEST}", "-rss_limit_mb=2048"]
        atheris.Setup([sys.argv[0], str(corpus), *options, "-timeout=20"], READERS[asked.reader])
        atheris.Fuzz()  # ends the process
    return 0


def _watch(atheris: Any, module: ModuleType) -> None:
    """Let atheris see the branches of a module that is loaded already."""
    for function in vars(module).values():
        if isinstance(function, FunctionType) and function.__module__ == module.__name__:
            atheris.instrument_func(function)


if __name__ == "__main__":
    sys.exit(main())
