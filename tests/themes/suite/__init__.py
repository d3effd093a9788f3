"""What has to hold under each theme. One test outside starts these in a process of their own for each."""
