"""What becomes of the figures: kept as JSON, shown as a table, published as a document with a plot."""
