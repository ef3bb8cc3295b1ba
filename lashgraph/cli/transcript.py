"""``lashgraph transcript``: what was said along a path, in a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.text import Text

from lashgraph.cli.names import NodeNames
from lashgraph.cli.output import Output, visible
from lashgraph.cli.passages import line, moment, passage, safe_json
from lashgraph.cli.tree import DAMAGED, DONE, load_tree
from lashgraph.format.sizes import counted
from lashgraph.store import open as open_store
from lashgraph.tree.entries import Entry
from lashgraph.tree.rendered import Block, blocks

_STYLES = {"User": "bold blue", "Assistant": "bold green", "Tool": "bold yellow"}
_LONGEST = 1_200
_MOST_LINES = 14


def run_transcript(
    path: Path,
    out: Output,
    *,
    leaf: str | None,
    agent_frame: str | None,
    every_frame: bool,
    full: bool,
) -> int:
    """Print what was said up to a leaf; 1 if nodes of the session cannot be read."""
    with open_store(path) as store:
        graph = load_tree(store, leaf)
    transcript = graph.transcript(agent_frame=agent_frame, every_frame=every_frame)
    if out.as_json:
        print(safe_json(transcript.json()))
        return DAMAGED if graph.unreadable else DONE
    frame = transcript.agent_frame_id
    said = (
        f"{counted(len(transcript.messages), 'message')}, {counted(len(transcript.steps), 'step')}"
    )
    out.say(
        f"session {graph.session_id or '?'}: {said} up to {transcript.leaf or 'no leaf'}, "
        f"{'all agent frames' if frame is None else f'agent frame {frame}'}",
        style="bold",
    )
    names = NodeNames(graph.ids)
    for number, entry in enumerate(transcript.entries, 1):
        head = Text(f"{number}. {visible(entry.speaker)}", style=style_of(entry))
        about = f"  {moment(entry.node.timestamp)}  {names.short(entry.node.node_id)}"
        out.say()
        line(out, head.append(visible(about), style="not bold dim"))
        print_blocks(blocks(entry), out, full=full)
    return DAMAGED if graph.unreadable else DONE


def style_of(entry: Entry) -> str:
    """The style of a speaker's name."""
    return _STYLES.get(entry.speaker.partition(" ")[0], "bold magenta")


def print_blocks(found: Iterable[Block], out: Output, *, full: bool) -> None:
    """Print the pieces of an entry; of what stands aside only the beginning, unless full."""
    for block in found:
        if block.label:
            passage(out, f"{block.label}:", indent=2, style="dim")
        shown = block.text if full or not block.is_aside else _beginning(block.text)
        passage(out, shown, indent=4 if block.label else 2)
        left = len(block.text) - len(shown)
        if left:
            passage(out, f"… {left:,} more characters; --full shows them", indent=4, style="dim")


def _beginning(text: str) -> str:
    """The first lines of a text, if there is more than a little behind them."""
    return "\n".join(text[:_LONGEST].split("\n")[:_MOST_LINES])
