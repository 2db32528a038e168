"""A small process beside the application that removes a pool's containers if it dies.

A container's life-line only works once the container is started; between create and start only
somebody who outlives the application can remove it. Nothing is imported until that is needed.

    python -I -S watchdog.py RUN_ID POOL SYS_PATH_ENTRY...

It goes by the pool and not by the run, which may have been resumed meanwhile. The run's id is there
for whoever looks at a list of processes.

stdin: one byte means that the pool has cleaned up; end of file without it, that the owner is gone.
"""

import os
import sys
import time

SWEEPS = 20
PAUSE_S = 0.5


def main() -> None:
    _run_id, pool, *search_path = sys.argv[1:]
    if os.read(0, 1):
        return
    sys.path[:] = search_path
    from langgraph_fusion.sandbox.base import SandboxUnavailable
    from langgraph_fusion.sandbox.docker.engine import connect
    from langgraph_fusion.sandbox.docker.engine_errors import ENGINE_ERRORS
    from langgraph_fusion.sandbox.docker.reaper import remove_pool
    from langgraph_fusion.sandbox.owned_directories import remove_abandoned

    remove_abandoned()
    for _ in range(SWEEPS):  # the engine may still be busy creating what was asked for
        try:
            client = connect()
            remove_pool(client, pool)
            client.close()
        except (SandboxUnavailable, *ENGINE_ERRORS):
            pass
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    main()
