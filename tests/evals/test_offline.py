"""What `make eval-offline` checks, in the suite as well."""

from pathlib import Path

import pytest

from tests.evals import offline


def test_recorded_means_are_reproduced_through_the_command(tmp_path: Path) -> None:
    if not offline.DRACO.is_dir():
        pytest.skip(f"{offline.DRACO} is not here")
    offline.check_replay(tmp_path)


@pytest.mark.timeout(600)
def test_ramdocs_runs_with_the_preset_offline(tmp_path: Path) -> None:
    if not offline.RAMDOCS.is_file():
        pytest.skip(f"{offline.RAMDOCS} is not here")
    offline.check_extractive(tmp_path)


@pytest.mark.timeout(600)
async def test_ramdocs_with_scripted_models_has_the_score_that_their_errors_give(
    tmp_path: Path,
) -> None:
    if not offline.RAMDOCS.is_file():
        pytest.skip(f"{offline.RAMDOCS} is not here")
    await offline.check_scripted(tmp_path)
