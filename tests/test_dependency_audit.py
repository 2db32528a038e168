"""The audit fails for a known vulnerability, and says plainly when it could not look."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.dependency_audit import main

GOOD: dict[str, Any] = {"name": "good", "version": "1.0", "vulns": []}
BAD: dict[str, Any] = {
    "name": "bad", "version": "2.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"], "aliases": [], "description": "x"}],
}  # fmt: skip
MISSED: dict[str, Any] = {"name": "unknown", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "options", "status", "said"),
    [
        ([GOOD], [], 0, "1 of 1 packages were looked up: 0 vulnerabilities"),
        ([GOOD, BAD], ["--lenient"], 1, "VULNERABLE: bad 2.0: PYSEC-1, fixed in 2.1"),
        ([BAD, MISSED], ["--lenient"], 1, "VULNERABLE: bad 2.0"),
        ([GOOD, MISSED], [], 1, "NOT AUDITED: 1 packages"),
        ([GOOD, MISSED], ["--lenient"], 0, "NOT AUDITED: 1 packages"),
        (None, ["--lenient"], 0, "NOT AUDITED: pip-audit gave no report: no network"),
        (None, [], 1, "NOT AUDITED: pip-audit gave no report: no network; run `make audit` where"),
    ],
)
def test_what_the_audit_says_and_when_it_fails(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    packages: Any,
    options: list[str],
    status: int,
    said: str,
) -> None:
    program = tmp_path / "pip-audit"
    report = "" if packages is None else json.dumps({"dependencies": packages, "fixes": []})
    program.write_text(f"#!/bin/sh\necho no network >&2\necho '{report}'\nexit 1\n")
    program.chmod(0o700)
    assert main(str(program), *options) == status
    assert said in capsys.readouterr().out
