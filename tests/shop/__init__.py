"""A shop in the middle of a working day: its tasks, and rows of all that the admin shows, to be looked at."""
