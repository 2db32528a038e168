"""Kill the sandbox tests at random moments, then look for containers they left."""

import argparse
import os
import random
import signal
import subprocess
import sys
import time

from langgraph_fusion.sandbox.engine import connect
from langgraph_fusion.sandbox.reaper import LABEL, reap

SUITE = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
TESTS = ["tests/sandbox/test_docker.py", "tests/sandbox/test_leaks.py"]
GONE_AFTER_S = 2.0


def main(kills: int, longest_s: float) -> int:
    client = connect()
    mine = f"{LABEL}.pid"

    def containers_of(pids: set[str], *, running: bool) -> list[str]:
        found = client.api.containers(all=not running, filters={"label": LABEL})
        return [each["Id"][:12] for each in found if each["Labels"].get(mine) in pids]

    pids: set[str] = set()
    failures = 0
    for _ in range(kills):
        seconds = random.uniform(0.5, longest_s)
        pid = kill_suite_after(seconds)
        pids.add(str(pid))
        time.sleep(GONE_AFTER_S)
        running = containers_of({str(pid)}, running=True)
        failures += bool(running)
        print(f"killed after {seconds:5.1f} s: {len(running)} running {GONE_AFTER_S:.0f} s later")
    reap(client)
    left = containers_of(pids, running=False)
    print(f"after the next start: {len(left)} containers exist")
    client.close()
    return 1 if failures or left else 0


def kill_suite_after(seconds: float) -> int:
    """Start the tests, kill them without warning, and say which process that was."""
    suite = subprocess.Popen(
        [*SUITE, *TESTS], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ
    )
    try:
        suite.wait(seconds)
    except subprocess.TimeoutExpired:
        suite.send_signal(signal.SIGKILL)
        suite.wait()
    return suite.pid


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--longest-s", type=float, default=15)
    options = parser.parse_args()
    sys.exit(main(options.kills, options.longest_s))
