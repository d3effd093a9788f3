"""The house itself: embedded server, fixtures, package, make."""
