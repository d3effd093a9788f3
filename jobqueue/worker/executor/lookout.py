"""Finds out who keeps the event loop to itself while another coroutine should be told to stop: it is not to blame.

The worker kills an executor for a body that does not stop when its time is over. It reads from the boards whose fault
that was.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ..board import Board
from .interrupts import Interrupts
from .running_loop import RunningLoop


class Lookout:
    """Looks at the loop of one executor. `patience` is in seconds: how long it may stand still."""

    def __init__(
        self, loop: RunningLoop, boards: Sequence[Board], interrupts: Sequence[Interrupts], *, patience: float
    ) -> None:
        self._loop = loop
        self._seats = list(zip(boards, interrupts, strict=True))
        self._patience = patience

    def look(self) -> None:
        """Look, for as long as it takes, in a thread for that: the caller has to listen to the worker."""
        threading.Thread(target=self._look, name="jobqueue-lookout", daemon=True).start()

    def _look(self) -> None:
        turned = self._loop.turn()
        if turned.wait(self._patience):
            return
        job_id = self._loop.occupant()
        for board, interrupts in self._seats:
            if job_id is not None and interrupts.allows(job_id):
                board.blocks(True)
                turned.wait()
                board.blocks(False)
