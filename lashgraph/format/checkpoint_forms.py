"""Checkpoints and results of turns as other releases than those of schema version 3 write them."""

from __future__ import annotations

from typing import Any

from lashgraph.format.checkpoint import Manifest, PromptUsage, TurnOptions, TurnState
from lashgraph.format.commit import TurnResult
from lashgraph.format.strict import Natural, Record, Stamp, always
from lashgraph.format.usage import CacheTokenUsage, TokenUsage


class ModeOptions(Record, frozen=True):
    """Options of the mode for a turn, as alpha.8 and alpha.9 have them."""

    mode_id: str = always("")
    payload: Any = always(None)


class ModeTurnState(Record, frozen=True):
    """Where a session stands after a turn, as alpha.8 and alpha.9 have it."""

    turn_index: Natural
    token_usage: TokenUsage = always(TokenUsage())
    last_prompt_usage: PromptUsage | None = None
    mode_turn_options: ModeOptions | None = None


class ModeManifest(Manifest, frozen=True):
    """A checkpoint of alpha.8 or alpha.9."""

    turn_state: ModeTurnState | None = None  # type: ignore[assignment]  # read by its own names


class StampedOptions(TurnOptions, frozen=True, kw_only=True):
    """Options of the protocol for a turn, with the version of their form."""

    schema_version: Stamp


class StampedTurnState(TurnState, frozen=True):
    """Where a session stands after a turn; alpha.76 to alpha.78."""

    protocol_turn_options: StampedOptions = always(StampedOptions(schema_version=1, payload={}))


class StampedManifest(Manifest, frozen=True, kw_only=True):
    """A checkpoint with the version of its form; alpha.76 to alpha.78."""

    schema_version: Stamp
    turn_state: StampedTurnState | None = None


class StampedResult(TurnResult, frozen=True):
    """What a turn's commit answered; alpha.76 to alpha.78."""

    manifest: StampedManifest


class CachePromptUsage(Record, frozen=True):
    """Token usage of the latest prompt, from alpha.79 on."""

    prompt_context_tokens: Natural = always(0)
    input_tokens: Natural = always(0)
    cache_read_input_tokens: Natural = always(0)
    cache_write_input_tokens: Natural = always(0)
    context_budget_tokens: Natural = always(0)


class CacheTurnState(StampedTurnState, frozen=True):
    """Where a session stands after a turn, from alpha.79 on."""

    token_usage: CacheTokenUsage = always(CacheTokenUsage())  # type: ignore[assignment]
    last_prompt_usage: CachePromptUsage | None = None  # type: ignore[assignment]


class CacheManifest(StampedManifest, frozen=True, kw_only=True):
    """A checkpoint, from alpha.79 on."""

    turn_state: CacheTurnState | None = None


class CacheResult(TurnResult, frozen=True):
    """What a turn's commit answered, from alpha.79 on."""

    manifest: CacheManifest


class ModeResult(TurnResult, frozen=True):
    """Stands where alpha.8 and alpha.9 record no turns."""

    manifest: ModeManifest
