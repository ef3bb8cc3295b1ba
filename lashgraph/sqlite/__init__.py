"""One session file: all SQL of the package."""
