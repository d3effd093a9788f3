"""The doctor: looks at a live set-up and says what is wrong with it, what that means, and what to do.

Each look has a time of its own, so that a silent server is a finding and not a hang. Nothing is written but one row
that is taken out again in the same transaction, to see how long a COMMIT takes: nobody ever sees it.
"""

from __future__ import annotations

from .examination import examine
from .finding import Finding, Level

__all__ = ["Finding", "Level", "examine"]
