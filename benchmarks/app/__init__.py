"""The Django app whose tasks every queue runs."""
