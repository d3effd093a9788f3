"""The demo project: a small site that uses jobqueue as any project would."""
