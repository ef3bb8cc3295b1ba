"""Heads as other releases than those of schema version 3 write them.

Of all records only those that hold a model, or stand around one that does, differ.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec

from lashgraph.format.checkpoint_forms import StampedOptions
from lashgraph.format.head import (
    AgentFrame,
    AgentPolicy,
    Assignment,
    Head,
    Model,
    ModelLimits,
    SessionConfig,
)
from lashgraph.format.strict import Choice, Natural, Record, Stamp, always


class ModeConfig(Record, frozen=True, kw_only=True):
    """Provider and model as alpha.8 and alpha.9 have them."""

    provider_id: str
    configured_model: str
    context_window: Natural
    execution_mode: Any = None
    standard_context_approach: Any = None
    model_variant: str | None = None

    @property
    def model(self) -> Model:
        """The model, as later releases have it."""
        return Model(
            id=self.configured_model,
            variant=self.model_variant,
            limits=ModelLimits(context_window_tokens=self.context_window),
        )


class ModeHead(Head, frozen=True, kw_only=True):
    """A head of alpha.8 or alpha.9."""

    config: ModeConfig  # type: ignore[assignment]  # it has a model, too


class InputLimits(ModelLimits, frozen=True, forbid_unknown_fields=True):
    """Token limits of a model, until alpha.33."""

    input_token_capacity: Natural | None = None


class InputModel(Model, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model and its limits, until alpha.33."""

    limits: InputLimits


class CapableModel(Model, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model that may say what it can do, from alpha.87 on."""

    capability: Any = None


class Effort(Choice, frozen=True, forbid_unknown_fields=True):
    """A variant by how much effort the model makes."""

    effort: str | None = None


class VariantModel(CapableModel, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model whose variant is one of a kind, from alpha.90 on."""

    variant: Literal["provider_default", "disabled"] | Effort | None = None  # type: ignore[assignment]


class _Form(NamedTuple):
    """Records around a model, up to the head."""

    config: type[SessionConfig]
    policy: type[AgentPolicy]
    assignment: type[Assignment]
    frame: type[AgentFrame]
    head: type[Head]


def _around(prefix: str, model: type[Model], *, stamped: bool) -> _Form:
    """Records that hold such a model instead; stamped ones say the version of their form, too."""

    def of(base: type[Any], **fields: Any) -> type[Any]:
        made = [item if isinstance(item, tuple) else (item,) for item in fields.values()]
        config = base.__struct_config__
        return msgspec.defstruct(
            prefix + base.__name__,
            [(name, *rest) for name, rest in zip(fields, made, strict=True)],
            bases=(base,),
            module=__name__,
            namespace={"__doc__": f"{base.__doc__} With {model.__name__}."},
            frozen=True,
            kw_only=True,
            forbid_unknown_fields=config.forbid_unknown_fields,
        )

    options = {}
    stamp = {}
    if stamped:
        default = always(StampedOptions(schema_version=1, payload={}))
        options = {"protocol_turn_options": (StampedOptions, default)}
        stamp = {"schema_version": Stamp}
    config = of(SessionConfig, model=model)
    policy = of(AgentPolicy, model=model)
    assignment = of(Assignment, policy=policy)
    frame = of(AgentFrame, assignment=assignment, **options)
    head = of(Head, config=config, agent_frames=(list[frame], always([])), **stamp)  # type: ignore[valid-type]
    return _Form(config, policy, assignment, frame, head)


InputSessionConfig, InputAgentPolicy, InputAssignment, InputAgentFrame, InputHead = _around(
    "Input", InputModel, stamped=False
)
StampedSessionConfig, StampedAgentPolicy, StampedAssignment, StampedAgentFrame, StampedHead = (
    _around("Stamped", Model, stamped=True)
)
CapableSessionConfig, CapableAgentPolicy, CapableAssignment, CapableAgentFrame, CapableHead = (
    _around("Capable", CapableModel, stamped=True)
)
VariantSessionConfig, VariantAgentPolicy, VariantAssignment, VariantAgentFrame, VariantHead = (
    _around("Variant", VariantModel, stamped=True)
)
