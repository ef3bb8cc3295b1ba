"""The table of all schema versions and releases, oldest first; a new one is one more entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from lashgraph.format import checkpoint_forms, head_forms, node_forms
from lashgraph.format.catalogue import catalogue
from lashgraph.format.dialect import Columns, Dialect, Evidence, Records
from lashgraph.format.schema_text import DDL
from lashgraph.format.session import EarlyRelation
from lashgraph.format.usage import CacheUsageDelta

CORE_TABLES = ("session_head", "graph_nodes", "blobs")
"""The tables by which a session store is recognised, whatever its version says."""

SIBLING_TABLES: Mapping[str, str] = MappingProxyType(
    {
        "processes": "lash's process registry",
        "host_event_occurrences": "lash's host events",
        "runtime_effect_replay": "lash's effect replay",
    }
)
"""Tables of lash's other databases, which stand beside session stores."""


def _with(tables: Columns, **changes: str) -> Columns:
    """Tables with others beside them or in their place, each by its columns in one text."""
    return MappingProxyType(
        {**tables, **{name: tuple(columns.split()) for name, columns in changes.items()}}
    )


def _without(tables: Columns, names: Iterable[str]) -> Columns:
    return MappingProxyType({name: tables[name] for name in tables if name not in {*names}})


_QUEUE = (
    "enqueue_seq batch_id session_id source_key delivery_policy slot_policy merge_key_json "
    "available_at_ms enqueued_at_ms claim_id claim_owner_id claim_token claim_fencing_token"
)
_OWNER = "claim_owner_incarnation_id claim_owner_liveness_json"
_TIMES = "claim_claimed_at_ms claim_expires_at_ms"
_PENDING = (
    "enqueue_seq input_id session_id source_key ingress_json state input_json enqueued_at_ms "
    "claim_id claim_owner_id claim_token claim_fencing_token"
)
_LEASES = (
    "session_id lease_owner_id lease_token lease_fencing_token lease_claimed_at_ms "
    "lease_expires_at_ms"
)
_ATTACHMENTS = "attachment_id session_id canonical_uri intent_at_ms committed_at_ms"

_TABLES_3 = _with(
    {},
    blobs="hash content",
    session_head="singleton session_id head_json head_revision",
    graph_nodes="seq node_id node_json tombstoned",
    usage_deltas="seq source model input_tokens output_tokens cached_input_tokens reasoning_tokens",
    session_meta="singleton session_id session_name created_at model cwd relation_json",
    runtime_turn_commits="session_id turn_id turn_commit_hash result_json committed_at_ms",
    queued_work_batches=f"{_QUEUE} {_TIMES}",
    queued_work_items="batch_id item_index item_id payload_json",
    attachment_manifest=_ATTACHMENTS,
    artifact_refs="artifact_ref blob_ref",
)
_IN_FLIGHT = {
    "runtime_turn_checkpoints": (
        "session_id turn_id checkpoint_json checkpoint_hash lease_owner_id lease_token "
        "lease_fencing_token lease_claimed_at_ms lease_expires_at_ms updated_at_ms"
    ),
    "runtime_effect_journal": (
        "session_id turn_id idempotency_key envelope_hash effect_kind outcome_json created_at_ms"
    ),
}
_TABLES_2 = _with(_without(_TABLES_3, ["runtime_turn_commits"]), **_IN_FLIGHT)
_TABLES_1 = _without(_TABLES_2, ["queued_work_batches", "queued_work_items"])
_TABLES_4 = _with(_TABLES_3, session_execution_leases=_LEASES)
_TABLES_5 = _with(
    _TABLES_4,
    session_execution_leases=f"{_LEASES} lease_owner_incarnation_id lease_owner_liveness_json",
    queued_work_batches=f"{_QUEUE} {_OWNER} {_TIMES}",
)
_TABLES_6 = _with(_TABLES_5, pending_turn_inputs=f"{_PENDING} {_OWNER} {_TIMES}")
_TABLES_7 = _with(
    _TABLES_6,
    usage_deltas=(
        "seq source model input_tokens output_tokens cache_read_input_tokens "
        "cache_write_input_tokens reasoning_output_tokens"
    ),
)
_TABLES_8 = _with(_TABLES_7, artifact_refs="namespace artifact_ref blob_ref")
_TABLES_11 = _with(
    _TABLES_8,
    queued_work_batches=f"{_QUEUE} {_OWNER} claim_session_lease_generation",
    pending_turn_inputs=f"{_PENDING} {_OWNER} claim_session_lease_generation",
)
_TABLES_12 = _with(_TABLES_11, attachment_manifest=f"{_ATTACHMENTS} owner_kind owner_id")

_TABLES_38 = _with(
    {},
    blobs="hash content",
    session_head="session_id head_json head_revision leaf_node_id checkpoint_ref",
    node_anchors="node_id checkpoint_ref source_session_id",
    checkpoint_blob_refs="checkpoint_ref blob_ref",
    deleted_sessions="session_id",
    graph_nodes=(
        "seq session_id node_id parent_node_id generation frame_node_id node_json tombstoned"
    ),
    fork_lineage="session_id ancestor_session_id fork_node_id fork_generation",
    usage_deltas=(
        "seq session_id operation_storage_key entry_ordinal payload_encoding_version payload_hash "
        "source model input_tokens output_tokens cache_read_input_tokens cache_write_input_tokens "
        "reasoning_output_tokens"
    ),
    session_meta=(
        "session_id relation_kind observer_intent_depth parent_session_id caused_by_kind "
        "caused_by_session_id caused_by_turn_id caused_by_effect_id caused_by_call_id "
        "caused_by_process_id caused_by_process_event_sequence caused_by_occurrence_id "
        "caused_by_subscription_id caused_by_subscription_incarnation "
        "caused_by_subscription_revision caused_by_node_id source_session_id source_node_id "
        "observer_inheritance_kind"
    ),
    runtime_turn_commits=(
        "session_id turn_id turn_commit_hash result_json committed_at_ms request_identity_hash "
        "requested_node_count requested_ancestor_node_id identity_encoding_version"
    ),
    queued_work_batches=(
        "enqueue_seq batch_id session_id source_key delivery_policy work_kind authority_json "
        "merge_key available_at_ms enqueued_at_ms claim_id claim_owner_id claim_token "
        f"claim_fencing_token {_OWNER} claim_session_lease_generation"
    ),
    queued_work_items="batch_id item_index item_id payload_json",
    pending_turn_inputs=f"{_PENDING} {_OWNER} claim_session_lease_generation",
    attachment_manifest=f"{_ATTACHMENTS} owner_kind owner_id",
    artifact_refs="namespace artifact_ref blob_ref",
)

_NAMESPACED = MappingProxyType(
    {
        "artifact_refs": """
            SELECT CASE namespace WHEN 'lashlang_module' THEN artifact_ref
                ELSE namespace || '/' || artifact_ref END AS artifact_ref, blob_ref
            FROM main.artifact_refs"""
    }
)
"""A module's name stands by itself; any other is written behind its namespace."""

_FINISHED_INPUTS = ("DELETE FROM pending_turn_inputs WHERE state IN ('cancelled', 'completed')",)

_WITH_TOOLS = Records(node=node_forms.NodeWithTool, head=head_forms.InputHead)
_STAMPED = Records(
    head=head_forms.StampedHead,
    manifest=checkpoint_forms.StampedManifest,
    result=checkpoint_forms.StampedResult,
)
_CACHE = Records(
    head=head_forms.StampedHead,
    manifest=checkpoint_forms.CacheManifest,
    result=checkpoint_forms.CacheResult,
    delta=CacheUsageDelta,
)
_CAPABLE = Records(
    head=head_forms.CapableHead,
    manifest=checkpoint_forms.CacheManifest,
    result=checkpoint_forms.CacheResult,
    delta=CacheUsageDelta,
)
_VARIANT = Records(
    head=head_forms.VariantHead,
    manifest=checkpoint_forms.CacheManifest,
    result=checkpoint_forms.CacheResult,
    delta=CacheUsageDelta,
)
_SOURCED = Records(
    node=node_forms.SourcedNode,
    head=head_forms.VariantHead,
    manifest=checkpoint_forms.CacheManifest,
    result=checkpoint_forms.CacheResult,
    delta=CacheUsageDelta,
)

_RECORDED = "a store of {} and what that release kept in it"
_UNPROVEN = "no store of {} was at hand to prove a sweep against"


def _has_mode_config(evidence: Evidence) -> bool:
    return evidence.in_head("config", "configured_model") is not None


def _lacks_artifacts(evidence: Evidence) -> bool:
    return "artifact_refs" not in evidence.tables


def _has_turns_in_flight(evidence: Evidence) -> bool:
    return "runtime_turn_checkpoints" in evidence.tables


def _counts_rows(evidence: Evidence) -> bool:
    return "sqlite_sequence" in evidence.tables


def _is_turso(evidence: Evidence) -> bool:
    return "__turso_internal_mvcc_meta" in evidence.tables


def _lacks_stamps(evidence: Evidence) -> bool:
    if evidence.head is not None:
        return "schema_version" not in evidence.head
    manifest = (evidence.result or {}).get("manifest")
    return isinstance(manifest, dict) and "schema_version" not in manifest


def _has_plain_variant(evidence: Evidence) -> bool:
    model = evidence.in_head("config", "model")
    if not isinstance(model, dict):
        return False
    variant = model.get("variant")
    return variant is None or (
        isinstance(variant, str) and variant not in ("provider_default", "disabled")
    )


CURRENT = Dialect(
    version=3,
    releases="alpha.35 to alpha.65",
    tables=_TABLES_3,
    how_told="none of the above",
    ddl=DDL,
    writes=True,
    proof="stores of alpha.39, and 200 runs of operations that it answered",
)
"""The form that new files get."""

DIALECTS: tuple[Dialect, ...] = (
    Dialect(
        version=1,
        releases="alpha.8 to alpha.9",
        tables=_without(_TABLES_1, ["artifact_refs"]),
        told_by=_has_mode_config,
        how_told="`configured_model` in the head's configuration",
        records=Records(
            node=node_forms.NodeOfMode,
            head=head_forms.ModeHead,
            manifest=checkpoint_forms.ModeManifest,
            result=checkpoint_forms.ModeResult,
            relation=EarlyRelation,
        ),
        differs="as alpha.10 to alpha.11; events of a mode, mode options of a turn, model by name",
        sweeps=False,
        proof=_UNPROVEN.format("alpha.8 to alpha.9"),
    ),
    Dialect(
        version=1,
        releases="alpha.10 to alpha.11",
        tables=_without(_TABLES_1, ["artifact_refs"]),
        told_by=_lacks_artifacts,
        how_told="no table `artifact_refs`",
        records=Records(
            node=node_forms.NodeWithTool, head=head_forms.InputHead, relation=EarlyRelation
        ),
        differs="as alpha.12; no artifacts",
        sweeps=False,
        proof=_UNPROVEN.format("alpha.10 to alpha.11"),
    ),
    Dialect(
        version=1,
        releases="alpha.12",
        tables=_TABLES_1,
        how_told="a table `artifact_refs`",
        records=Records(
            node=node_forms.NodeWithTool, head=head_forms.InputHead, relation=EarlyRelation
        ),
        differs=(
            "no agent frames, no queue, no record of turns; tools' events; handoff as a relation"
        ),
        proof=_RECORDED.format("alpha.12"),
    ),
    Dialect(
        version=2,
        releases="alpha.13 to alpha.16",
        tables=_TABLES_2,
        how_told="its version",
        records=_WITH_TOOLS,
        differs="no record of turns, turns in flight instead; tools' events",
        proof=_RECORDED.format("alpha.16"),
    ),
    Dialect(
        version=3,
        releases="alpha.25 to alpha.34",
        tables=_TABLES_3,
        told_by=_is_turso,
        how_told="bytes 18 and 19 of the file are 0xFF; a table `__turso_internal_mvcc_meta`",
        records=_WITH_TOOLS,
        differs="written by the Turso engine, read through a copy in memory; tools' events",
        sweeps=False,
        proof="SQLite does not open the file, so nothing can be written to it",
    ),
    Dialect(
        version=3,
        releases="alpha.17 to alpha.20",
        tables=_with(_TABLES_3, **_IN_FLIGHT),
        told_by=_has_turns_in_flight,
        how_told="a table `runtime_turn_checkpoints`",
        records=_WITH_TOOLS,
        differs="turns in flight beside the recorded ones; tools' events",
        ddl=DDL,
        writes=True,
        proof=_RECORDED.format("alpha.20") + "; what is written is what alpha.39 writes",
    ),
    Dialect(
        version=3,
        releases="alpha.21 to alpha.24",
        tables=_TABLES_3,
        told_by=_counts_rows,
        how_told="a table `sqlite_sequence`",
        records=_WITH_TOOLS,
        differs="tools' events",
        ddl=DDL,
        sweeps=False,
        writes=True,
        proof=_UNPROVEN.format("alpha.21 to alpha.24"),
    ),
    CURRENT,
    Dialect(
        version=4,
        releases="alpha.66 to alpha.70",
        tables=_TABLES_4,
        how_told="its version",
        differs="leases of the session",
        proof=_RECORDED.format("alpha.70"),
    ),
    Dialect(
        version=5,
        releases="alpha.71 to alpha.74",
        tables=_TABLES_5,
        how_told="its version",
        differs="leases of the session, with the incarnation of their owner",
        sweeps=False,
        proof=_UNPROVEN.format("alpha.71 to alpha.74"),
    ),
    Dialect(
        version=6,
        releases="alpha.75",
        tables=_TABLES_6,
        told_by=_lacks_stamps,
        how_told="no `schema_version` in the head",
        dead_rows=_FINISHED_INPUTS,
        differs="inputs that wait for a turn",
        proof=_RECORDED.format("alpha.75"),
    ),
    Dialect(
        version=6,
        releases="alpha.76 to alpha.78",
        tables=_TABLES_6,
        how_told="`schema_version` in the head",
        records=_STAMPED,
        dead_rows=_FINISHED_INPUTS,
        differs="as alpha.75; `schema_version` in head, manifest and options",
        proof=_RECORDED.format("alpha.78"),
    ),
    Dialect(
        version=7,
        releases="alpha.79 to alpha.80",
        tables=_TABLES_7,
        how_told="its version",
        records=_CACHE,
        dead_rows=_FINISHED_INPUTS,
        differs="tokens of the cache counted beside the input, other names of the counts",
        proof=_RECORDED.format("alpha.80"),
    ),
    Dialect(
        version=8,
        releases="alpha.81 to alpha.86",
        tables=_TABLES_8,
        how_told="its version",
        records=_CACHE,
        views=_NAMESPACED,
        dead_rows=_FINISHED_INPUTS,
        differs="artifacts in namespaces",
        proof=_RECORDED.format("alpha.86"),
    ),
    Dialect(
        version=10,
        releases="alpha.87 to alpha.88",
        tables=_TABLES_8,
        how_told="its version",
        records=_CAPABLE,
        views=_NAMESPACED,
        dead_rows=_FINISHED_INPUTS,
        differs="attachments by session and id; `capability` of a model",
        proof=_RECORDED.format("alpha.88"),
    ),
    Dialect(
        version=11,
        releases="alpha.89",
        tables=_TABLES_11,
        told_by=_has_plain_variant,
        how_told="the model's `variant` is a plain text, or absent",
        records=_CAPABLE,
        views=_NAMESPACED,
        dead_rows=_FINISHED_INPUTS,
        differs="claims by the generation of a lease",
        sweeps=False,
        proof=_UNPROVEN.format("alpha.89"),
    ),
    Dialect(
        version=11,
        releases="alpha.90 to alpha.110",
        tables=_TABLES_11,
        how_told="the model's `variant` says its kind",
        records=_VARIANT,
        views=_NAMESPACED,
        dead_rows=_FINISHED_INPUTS,
        differs="as alpha.89; a variant of a kind, such as an effort",
        proof=_RECORDED.format("alpha.110"),
    ),
    Dialect(
        version=12,
        releases="alpha.111 to alpha.113",
        tables=_TABLES_12,
        how_told="its version",
        records=_SOURCED,
        views=_NAMESPACED,
        dead_rows=_FINISHED_INPUTS,
        differs="owners of attachments; parts of kind `Attachment`, whose source says what it is",
        proof=_RECORDED.format("alpha.113"),
    ),
    catalogue(_TABLES_38, dict(_NAMESPACED)),
)
"""Every form that is read; of one version the first that `Dialect.told_by` accepts is taken."""

VERSIONS = tuple(sorted({dialect.version for dialect in DIALECTS}))
"""The versions that are read."""


def told(version: int, evidence: Evidence) -> Dialect | None:
    """The dialect of a file by its version and by what it shows; None of an unknown version."""
    return next((one for one in DIALECTS if one.version == version and one.told_by(evidence)), None)
