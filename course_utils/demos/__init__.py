"""What a reader can touch: one file a demo, each a thin widget over pure functions."""
