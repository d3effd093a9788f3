"""Counters: the app whose jobs tell the story of the demo."""
