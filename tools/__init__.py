"""What authors use: the builder, its guards, and small helpers beside them."""
