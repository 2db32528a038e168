"""Input tokens of recorded runs, replayed with an earlier version and with this one, side by side.

    python -m bench.tokens RECORDINGS                        # against 8bb0fd1
    python -m bench.tokens RECORDINGS --before COMMIT --lost

`RECORDINGS` is a folder of JSON files, one a run: `question`, `docs` (a folder),
`max_tool_calls`, `members` (for each seat, for each round, its replies in order: `content` and
`tool_calls` as pairs of name and arguments), `judge` (its replies as text), `writer` (its draft).
Models say what was recorded whatever they are shown, so only what they are shown differs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.tokens.compare import Sent, kept_evidence, sent_by_stage

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("worker.py")
STAGES = ("members", "judge", "follow-ups", "second judge", "writer")


def main() -> None:
    """Print a table a recording, and the sums."""
    parser = argparse.ArgumentParser(prog="python -m bench.tokens", description=__doc__)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--before", default="8bb0fd1", help="commit to compare with")
    parser.add_argument("--lost", action="store_true", help="print claims that lost evidence")
    chosen = parser.parse_args()
    old: dict[str, Sent] = {}
    new: dict[str, Sent] = {}
    claims, lost = 0, 0
    with _tree(chosen.before) as earlier:
        for path in sorted(chosen.recordings.glob("*.json")):
            before, after = _replayed(earlier, path), _replayed(ROOT, path)
            count, gone = kept_evidence(before, after)
            sent = sent_by_stage(before["requests"]), sent_by_stage(after["requests"])
            print(f"\n{path.stem}: {count} cited claims with evidence, {len(gone)} lost it")
            _print(*sent)
            _add(old, sent[0])
            _add(new, sent[1])
            claims, lost = claims + count, lost + len(gone)
            for reader, claim, evidence in gone if chosen.lost else ():
                print(f"  - {reader}\n    claim: {claim[:200]}\n    evidence: {evidence[:200]}")
    print(f"\nAll: {claims} cited claims with evidence, {lost} lost it")
    _print(old, new)


def _print(old: dict[str, Sent], new: dict[str, Sent]) -> None:
    print(
        f"{'input tokens':14}{'before':>10}{'after':>10}{'ratio':>8}"
        f"{'cacheable before':>18}{'after':>8}"
    )
    for stage in (*STAGES, "all"):
        one, other = _of(old, stage), _of(new, stage)
        if one.tokens:
            shares = f"{_share(one):>18}{_share(other):>8}"
            ratio = other.tokens / one.tokens
            print(f"{stage:14}{one.tokens:>10}{other.tokens:>10}{ratio:>8.2f}{shares}")


def _of(sent: dict[str, Sent], stage: str) -> Sent:
    found = sent.values() if stage == "all" else [sent.get(stage, Sent(0, 0))]
    return Sent(sum(one.tokens for one in found), sum(one.cached for one in found))


def _share(sent: Sent) -> str:
    return f"{100 * sent.cached / max(1, sent.tokens):.0f} %"


def _add(total: dict[str, Sent], some: dict[str, Sent]) -> None:
    for stage, one in some.items():
        old = total.get(stage, Sent(0, 0))
        total[stage] = Sent(old.tokens + one.tokens, old.cached + one.cached)


def _replayed(tree: Path, recording: Path) -> dict[str, Any]:
    """The requests of a run with the code of a tree, in a process of its own."""
    links = tree / ".links"
    subprocess.run(["make", "-s", ".links"], cwd=tree, check=True)
    env = os.environ | {"PYTHONPATH": str(links)}
    ran = subprocess.run(
        [sys.executable, str(WORKER), str(recording)], env=env, check=True, stdout=subprocess.PIPE
    )
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


@contextmanager
def _tree(commit: str) -> Iterator[Path]:
    """A worktree of a commit, removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "-q", "--detach", str(tree), commit], check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


if __name__ == "__main__":
    main()
