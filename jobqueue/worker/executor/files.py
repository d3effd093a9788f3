"""Whether this process may still open a file: one that has used up its number fails every job that it is given."""

from __future__ import annotations

import errno
import logging
import os
from typing import NoReturn

logger = logging.getLogger("jobqueue.worker")


def used_up() -> bool:
    """Return whether this process has as many files open as it may."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno == errno.EMFILE
    return False


def end() -> NoReturn:
    """End this process, whatever threads a body has left in it; its worker starts another."""
    logger.error("This executor has as many files open as it may: it ends.")
    os._exit(1)
