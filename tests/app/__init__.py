"""An app as a user of jobqueue would write it: what tests enqueue, and where they look for its traces."""
