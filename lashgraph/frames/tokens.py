"""The columns of token counts, which several frames have."""

from __future__ import annotations

from lashgraph.columns import count

TOKENS = (
    count("input_tokens", "tokens sent, the cached included"),
    count("output_tokens", "tokens received, reasoning not included"),
    count("cached_input_tokens", "tokens of the input that came from a cache"),
    count("reasoning_tokens", "tokens of reasoning"),
)
