from langgraph_fusion.cli.errors import missing_extra
from tests.cli.processes import ROOT


def test_in_a_checkout_a_missing_extra_is_installed_from_there() -> None:
    error = str(missing_extra("serve"))
    assert f"-m pip install -e '{ROOT}[serve]'" in error
    assert "`fusion serve`" in error
