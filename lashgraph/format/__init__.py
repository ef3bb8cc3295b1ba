"""What the bytes of a session file mean: its records, the blob envelope, schema text. No SQL."""

from lashgraph.format.blob import BlobProfile, Descriptor
from lashgraph.format.checkpoint import Checkpoint, Manifest, StoredCheckpoint
from lashgraph.format.commit import RuntimeCommit, TurnResult
from lashgraph.format.dialect import Dialect
from lashgraph.format.dialects import CURRENT, DIALECTS
from lashgraph.format.head import AgentFrame, Head, SessionConfig
from lashgraph.format.node import Message, Node, Part
from lashgraph.format.session import PickerInfo, Relation, SessionMeta
from lashgraph.format.usage import TokenUsage, UsageDelta
from lashgraph.format.work import Attachment, QueuedBatch, QueueDraft

__all__ = [
    "CURRENT",
    "DIALECTS",
    "AgentFrame",
    "Attachment",
    "BlobProfile",
    "Checkpoint",
    "Descriptor",
    "Dialect",
    "Head",
    "Manifest",
    "Message",
    "Node",
    "Part",
    "PickerInfo",
    "QueueDraft",
    "QueuedBatch",
    "Relation",
    "RuntimeCommit",
    "SessionConfig",
    "SessionMeta",
    "StoredCheckpoint",
    "TokenUsage",
    "TurnResult",
    "UsageDelta",
]
