"""Redis in every kind of trouble, with real workers: it may cost a moment, and nothing else."""
