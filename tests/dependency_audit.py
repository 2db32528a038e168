"""Look for known vulnerabilities in the pinned dependencies, with pip-audit.

    python -m tests.dependency_audit pip-audit            # `make audit`
    python -m tests.dependency_audit pip-audit --lenient  # in CI

A known vulnerability is exit status 1. So is a package that could not be looked up, as where a
mirror of PyPI answers for no single version; with `--lenient` that is said and is no failure.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

_SHOWN = 200
_WAY_OUT = "run `make audit` where pypi.org can be reached"


def main(program: str, *options: str) -> int:
    done = subprocess.run(
        [program, "--requirement", "requirements.lock", "--no-deps", "--disable-pip",
         "--format", "json", "--progress-spinner", "off"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lenient = "--lenient" in options
    try:
        report = json.loads(done.stdout)
    except ValueError:
        said = (done.stderr.strip().splitlines() or ["no word"])[-1]  # without its traceback
        print(f"NOT AUDITED: pip-audit gave no report: {said[:_SHOWN]}; {_WAY_OUT}")
        return 0 if lenient else 1
    text, found, missed = told(report)
    print(text)
    return 1 if found or (missed and not lenient) else 0


def told(report: Mapping[str, Any]) -> tuple[str, int, int]:
    """What a report of pip-audit says; how many vulnerabilities, how many packages it missed."""
    packages = report["dependencies"]
    missed = [one["name"] for one in packages if "skip_reason" in one]
    lines = [
        f"VULNERABLE: {one['name']} {one['version']}: {fault['id']}, "
        f"fixed in {', '.join(fault['fix_versions']) or 'no version'}"
        for one in packages
        for fault in one.get("vulns", ())
    ]
    found, looked_up = len(lines), len(packages) - len(missed)
    lines.append(f"{looked_up} of {len(packages)} packages were looked up: {found} vulnerabilities")
    if missed:
        lines.append(
            f"NOT AUDITED: {len(missed)} packages, for which the registry did not answer, "
            f"as {missed[0]}; {_WAY_OUT}"
        )
    return "\n".join(lines), found, len(missed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
