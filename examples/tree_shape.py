"""The shape of session trees, with networkx: how deep, how bushy, how much was given up.

    python examples/tree_shape.py [SESSION.db ...]

Without arguments it looks at sample sessions that it makes in a temporary folder.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import networkx as nx
import pandas as pd

import lashgraph as lg
from lashgraph.testing.corpus import build_corpus


def shape(path: Path) -> dict[str, object]:
    with lg.open(path) as store:
        graph = store.tree().to_networkx(attributes=["on_active_path"])
    is_acyclic = nx.is_directed_acyclic_graph(graph)  # a damaged session may not be
    forks = [node for node, n_children in graph.out_degree() if n_children > 1]
    active = {node for node, passed in graph.nodes(data="on_active_path") if passed}
    # The ways not taken: what is left without the active path falls apart into them.
    aside = graph.subgraph(set(graph) - active)
    tries = [len(part) for part in nx.weakly_connected_components(aside)]
    return {
        "file": path.name[:28],
        "nodes": len(graph),
        "depth": nx.dag_longest_path_length(graph) if is_acyclic else None,
        "leaves": sum(n_children == 0 for _, n_children in graph.out_degree()),
        "forks": len(forks),
        "tries_given_up": len(tries),
        "longest_try": max(tries, default=0),
        "share_given_up": round(len(aside) / max(len(graph), 1), 2),
    }


def main(paths: list[Path]) -> None:
    print(pd.DataFrame(list(map(shape, paths))).to_string(index=False))


if __name__ == "__main__":
    if sys.argv[1:]:
        main(list(map(Path, sys.argv[1:])))
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(build_corpus(folder))
