"""Corpora: many session files, with the frames of one."""

from lashgraph.corpus.corpus import Corpus
from lashgraph.corpus.gcplan import CorpusGcPlan
from lashgraph.corpus.gcreport import CorpusGcReport
from lashgraph.corpus.opening import open_corpus
from lashgraph.corpus.parquet_export import ParquetReport
from lashgraph.corpus.parquet_read import ParquetCorpus
from lashgraph.corpus.schemas import SCHEMAS, schema

__all__ = [
    "SCHEMAS",
    "Corpus",
    "CorpusGcPlan",
    "CorpusGcReport",
    "ParquetCorpus",
    "ParquetReport",
    "open_corpus",
    "schema",
]
