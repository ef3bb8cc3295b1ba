"""Schema version 38: one file for all sessions of a factory, of which one at a time is read.

The views below give each session the tables of a file of its own: its nodes and those of the
sessions that it was forked from, its head with what stands in columns put back into the JSON, its
usage, turns and queue. A node that opens an agent frame is shown as a plugin's node of the type
``frame_open``, and is an agent frame of the head, too.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar, Literal

import msgspec

from lashgraph.format import head_forms, node_forms
from lashgraph.format.checkpoint import CHILD_FIELDS, Manifest
from lashgraph.format.checkpoint_forms import CacheTurnState
from lashgraph.format.commit import TurnResult
from lashgraph.format.dialect import Columns, Dialect, Records
from lashgraph.format.scalars import SecondStamp
from lashgraph.format.session import Relation
from lashgraph.format.strict import Natural, Record, always
from lashgraph.format.usage import Accounting, CacheTokenUsage, UsageDelta


class Component(Record, frozen=True):
    """One part of a checkpoint."""

    blob_ref: str
    encoding_version: Natural


class CatalogueManifest(Manifest, frozen=True, kw_only=True):
    """A checkpoint, whose parts have names that anybody may add to."""

    schema_version: SecondStamp
    turn_state: CacheTurnState | None = None
    components: dict[str, Component] = always({})

    def __post_init__(self) -> None:
        """Parts that earlier releases have, too, stand under the names they have there."""
        for field in CHILD_FIELDS:
            part = self.components.get(field.removesuffix("_ref"))
            if part is not None:
                msgspec.structs.force_setattr(self, field, part.blob_ref)

    def children(self) -> list[tuple[str, str]]:
        """Field and hash of each blob that the manifest names."""
        named = [(f"{name}_ref", part.blob_ref) for name, part in self.components.items()]
        known = [*CHILD_FIELDS]
        return sorted(named, key=lambda pair: (pair[0] not in known, pair[0]))


class CatalogueResult(TurnResult, frozen=True):
    """What a turn's commit answered."""

    manifest: CatalogueManifest


class CatalogueTokenUsage(CacheTokenUsage, frozen=True):
    """Tokens counted as by schema version 7; an entry is dropped only if it counts nothing."""

    accounting: ClassVar[Accounting] = "v38"

    @property
    def total(self) -> int:
        """What the ledger goes by: all counts."""
        return self.counts.input_tokens + self.output_tokens + self.reasoning_output_tokens


class CatalogueUsageDelta(UsageDelta, frozen=True):
    """Token usage of one source and model."""

    usage: CatalogueTokenUsage  # type: ignore[assignment]


class ForkRelation(Relation, frozen=True, kw_only=True):
    """A relation that may be a fork: then the parent is the session it was forked from."""

    kind: Literal["root", "child", "fork"]  # type: ignore[assignment]
    source_node_id: str | None = None


_NODE = """
    SELECT {seq} AS seq, n.node_id AS node_id, n.tombstoned AS tombstoned,
        '{{"node_id":' || json_quote(n.node_id)
        || CASE WHEN n.parent_node_id IS NULL THEN ''
            ELSE ',"parent_node_id":' || json_quote(n.parent_node_id) END
        || ',"agent_frame_id":' || json_quote(n.frame_node_id) || ','
        || CASE
            WHEN instr(n.node_json, '"kind":"frame_open"') AND json_valid(n.node_json) THEN
                '"timestamp":' || json_quote(json_extract(n.node_json, '$.timestamp'))
                || ',"kind":"plugin","plugin_type":"frame_open","body":'
                || json_remove(n.node_json, '$.schema_version', '$.timestamp', '$.kind') || '}}'
            WHEN substr(n.node_json, 1, 20) = '{{"schema_version":1,' THEN substr(n.node_json, 21)
            ELSE substr(n.node_json, 2) END AS node_json
    FROM main.graph_nodes AS n"""

_VISIBLE = """
    (n.session_id = {session} OR EXISTS (
        SELECT 1 FROM main.fork_lineage AS l WHERE l.session_id = {session}
        AND l.ancestor_session_id = n.session_id AND n.generation <= l.fork_generation))"""

_FRAMES = f"""
    SELECT json_group_array(json(frame)) FROM (
        SELECT json_object(
            'frame_id', n.node_id, 'session_id', n.session_id,
            'previous_frame_id', lag(n.node_id) OVER (ORDER BY n.generation),
            'status', CASE WHEN n.node_id = json_extract(h.head_json, '$.current_frame_node_id')
                THEN 'active' ELSE 'superseded' END,
            'reason', coalesce(json_extract(n.node_json, '$.reason'), ''),
            'created_at', json_extract(n.node_json, '$.timestamp'),
            'assignment', json(json_remove(json_set(
                json_extract(n.node_json, '$.assignment'), '$.policy.max_turns',
                json_extract(n.node_json, '$.assignment.policy.turn_budget.bounded')),
                '$.policy.turn_budget')),
            'protocol_turn_options', json(coalesce(
                json_extract(n.node_json, '$.protocol_turn_options'),
                '{{"schema_version":1,"payload":{{}}}}'))) AS frame
        FROM main.graph_nodes AS n
        WHERE {_VISIBLE} AND n.tombstoned = 0 AND instr(n.node_json, '"kind":"frame_open"')
            AND json_valid(n.node_json)
        ORDER BY n.generation)"""

_HEAD = f"""
    SELECT 1 AS singleton, h.session_id AS session_id, h.head_revision AS head_revision,
        CASE WHEN json_valid(h.head_json) AND json_type(h.head_json) = 'object' THEN json_set(
            json_remove(h.head_json, '$.current_frame_node_id'),
            '$.schema_version', CASE json_extract(h.head_json, '$.schema_version')
                WHEN 3 THEN 1 ELSE 0 END,
            '$.head_revision', h.head_revision, '$.checkpoint_ref', h.checkpoint_ref,
            '$.leaf_node_id', h.leaf_node_id,
            '$.graph_node_count', (
                SELECT count(*) FROM main.graph_nodes AS n WHERE {_VISIBLE} AND n.tombstoned = 0),
            '$.current_agent_frame_id',
            coalesce(json_extract(h.head_json, '$.current_frame_node_id'), ''),
            '$.agent_frames', json(({_FRAMES})))
        ELSE json_object('config', NULL, 'session_id', h.session_id,
            'checkpoint_ref', h.checkpoint_ref, 'leaf_node_id', h.leaf_node_id) END AS head_json
    FROM main.session_head AS h WHERE h.session_id = {{session}}"""
"""What keeps a session alive stands in columns, so that a head that is no JSON hides nothing."""

_META = """
    SELECT 1 AS singleton, m.session_id AS session_id, m.session_id AS session_name,
        coalesce((SELECT CASE WHEN json_valid(n.node_json)
            THEN json_extract(n.node_json, '$.timestamp') END
            FROM main.graph_nodes AS n WHERE n.session_id = m.session_id
            ORDER BY n.generation LIMIT 1), '') AS created_at,
        coalesce((SELECT CASE WHEN json_valid(h.head_json)
            THEN json_extract(h.head_json, '$.config.model.id') END
            FROM main.session_head AS h WHERE h.session_id = m.session_id), '') AS model,
        NULL AS cwd,
        json_patch('{}', json_object(
            'kind', m.relation_kind,
            'parent_session_id', coalesce(m.parent_session_id, m.source_session_id),
            'source_node_id', m.source_node_id,
            'caused_by', CASE WHEN m.caused_by_kind IS NULL THEN NULL ELSE json_object(
                'type', m.caused_by_kind, 'session_id', m.caused_by_session_id,
                'turn_id', m.caused_by_turn_id, 'effect_id', m.caused_by_effect_id,
                'call_id', m.caused_by_call_id, 'process_id', m.caused_by_process_id,
                'sequence', CAST(m.caused_by_process_event_sequence AS INTEGER),
                'occurrence_id', m.caused_by_occurrence_id,
                'subscription_id', m.caused_by_subscription_id,
                'subscription_incarnation', CAST(m.caused_by_subscription_incarnation AS INTEGER),
                'subscription_revision', CAST(m.caused_by_subscription_revision AS INTEGER),
                'node_id', m.caused_by_node_id) END)) AS relation_json
    FROM main.session_meta AS m WHERE m.session_id = {session}"""


_TURNS = """
    SELECT t.rowid AS rowid, t.session_id AS session_id,
        CASE WHEN json_valid(t.turn_id) AND json_extract(t.turn_id, '$.scope.type') = 'turn'
            THEN json_extract(t.turn_id, '$.scope.turn_id') ELSE t.turn_id END AS turn_id,
        t.turn_commit_hash AS turn_commit_hash, t.result_json AS result_json,
        t.committed_at_ms AS committed_at_ms
    FROM main.runtime_turn_commits AS t WHERE t.session_id {which} {{session}}"""

_USAGE = """
    SELECT seq, source, model, input_tokens, output_tokens, cache_read_input_tokens,
        cache_write_input_tokens, reasoning_output_tokens
    FROM main.usage_deltas WHERE session_id = {session}"""

_BATCHES = """
    SELECT enqueue_seq, batch_id, session_id, source_key, delivery_policy,
        work_kind AS slot_policy,
        CASE WHEN merge_key IS NULL THEN 'null' ELSE json_quote(merge_key) END AS merge_key_json,
        available_at_ms, enqueued_at_ms, claim_id, claim_owner_id, claim_token,
        claim_fencing_token, NULL AS claim_claimed_at_ms, NULL AS claim_expires_at_ms
    FROM main.queued_work_batches WHERE session_id = {session}"""

_ITEMS = """
    SELECT batch_id, item_index, item_id, payload_json FROM main.queued_work_items
    WHERE batch_id IN (
        SELECT batch_id FROM main.queued_work_batches WHERE session_id = {session})"""

_INPUTS = """
    SELECT * FROM main.pending_turn_inputs WHERE session_id = {session}"""

_ATTACHMENTS = """
    SELECT rowid AS rowid, attachment_id, session_id, canonical_uri, intent_at_ms, committed_at_ms
    FROM main.attachment_manifest WHERE session_id = {session}"""

_OTHER_ROOTS = """
    SELECT 'head@' || session_id, 'head', session_id, checkpoint_ref FROM main.session_head
    WHERE checkpoint_ref IS NOT NULL AND session_id <> {session}
    UNION ALL
    SELECT 'anchor:' || node_id, 'anchor', node_id, checkpoint_ref FROM main.node_anchors"""


def catalogue(tables: Columns, views: dict[str, str]) -> Dialect:
    """The dialect of the catalogue.

    Parameters
    ----------
    tables : mapping
        Its tables.
    views : dict
        Views that it shares with earlier releases.
    """
    return Dialect(
        version=38,
        releases="the development after alpha.113",
        tables=tables,
        how_told="its version",
        records=Records(
            node=node_forms.SourcedNode,
            head=head_forms.VariantHead,
            manifest=CatalogueManifest,
            result=CatalogueResult,
            relation=ForkRelation,
            delta=CatalogueUsageDelta,
            execution_state=bytes,
        ),
        views=MappingProxyType(
            {
                **views,
                "graph_nodes": f"{_NODE.format(seq='n.generation')} WHERE {_VISIBLE}",
                "session_head": _HEAD,
                "session_meta": _META,
                "runtime_turn_commits": _TURNS.format(which="="),
                "usage_deltas": _USAGE,
                "queued_work_batches": _BATCHES,
                "queued_work_items": _ITEMS,
                "pending_turn_inputs": _INPUTS,
                "attachment_manifest": _ATTACHMENTS,
                "every_node": _NODE.format(seq="n.seq"),
                "other_turns": _TURNS.format(which="<>"),
            }
        ),
        sessions="SELECT session_id FROM main.session_head ORDER BY session_id",
        other_roots=_OTHER_ROOTS,
        every_node="every_node",
        dead_nodes=("DELETE FROM main.graph_nodes WHERE tombstoned = 1 AND session_id = {session}"),
        differs=(
            "many sessions in one file, forks that read their ancestors' nodes, ids and refs in "
            "columns, checkpoints of named parts"
        ),
        proof="a store of four sessions that the development wrote, and what it kept in it",
    )
