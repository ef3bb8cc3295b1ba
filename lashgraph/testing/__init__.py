"""For tests of your own: store builders, damage, Hypothesis strategies, an independent mark."""
