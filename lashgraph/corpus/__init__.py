"""Corpora: many session files, with the frames of one."""

from lashgraph.corpus.corpus import Corpus
from lashgraph.corpus.opening import open_corpus
from lashgraph.corpus.schemas import SCHEMAS, schema

__all__ = ["SCHEMAS", "Corpus", "open_corpus", "schema"]
