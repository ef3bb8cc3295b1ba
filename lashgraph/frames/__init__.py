"""Frames: each entity of a store as a pandas DataFrame with a declared schema."""

from lashgraph.frames.schema import SCHEMAS, Column, FrameSchema, schema

__all__ = ["SCHEMAS", "Column", "FrameSchema", "schema"]
