"""The crash points that are reached only where there are two databases, each with the deed that comes to it."""

ENQUEUES = (
    "commit.before-marker",
    "commit.before-job",
    "commit.after-job",
    "commit.before-open",
    "commit.after-open",
)
JUDGES = ("commit.before-drop", "commit.after-drop")
ELSEWHERE = (*ENQUEUES, *JUDGES)
