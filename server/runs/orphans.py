"""A worker does not outlive the process that started it, however that one ended."""

import multiprocessing
import os
import signal
from multiprocessing.process import BaseProcess
from threading import Thread


def stop_with_parent() -> None:
    """Stop this process in good order once its parent is gone; nothing in one without a parent."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_follow, args=(parent,), name="fusion-parent", daemon=True).start()


def _follow(parent: BaseProcess) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
