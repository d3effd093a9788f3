"""The pages in a real browser: what a script, a click or a hostile text does there cannot be told from their source."""
