"""`runworkers` and `drill`."""
