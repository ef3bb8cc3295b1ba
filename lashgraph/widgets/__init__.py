"""Notebook views of stores and corpora: live where a kernel runs, a static table elsewhere."""

__all__: list[str] = []
