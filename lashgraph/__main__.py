"""``python -m lashgraph`` is the command ``lashgraph``."""

from lashgraph.cli import main

if __name__ == "__main__":
    main()
