"""The operator's file of tool servers: who may write it, and what it may say."""

from pathlib import Path
from typing import Any

import pytest

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.mcp_file import check_widens_nothing, configured_servers
from langgraph_fusion.server.runs.client_policy import ClientPolicy
from langgraph_fusion.tools.mcp.settings import split_entry
from tests.graph.cast import settings

PANEL: dict[str, Any] = {"panel": ["m/a"], "judge": "none", "synthesizer": "m/w"}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "mcp.toml"
    monkeypatch.setenv("FUSION_MCP", str(path))
    path.write_text("")
    return path


def test_both_kinds_of_servers_are_read(written: Path) -> None:
    written.write_text(
        "[files]\ncommand = 'npx'\nargs = ['-y', 'server-files']\nenv = ['FILES_KEY']\n"
        "tools = ['read']\ntimeout_s = 5\n"
        "[tracker]\nurl = 'https://mcp.example.org/mcp?team=${TEAM}'\n"
        "headers = { Authorization = 'Bearer ${TRACKER_TOKEN}', X-Mode = 'read' }\n"
    )
    found = configured_servers()
    assert found["files"].variables == ("FILES_KEY",)
    assert found["tracker"].variables == ("TEAM", "TRACKER_TOKEN")
    env = {"TEAM": "a", "TRACKER_TOKEN": "secret-token"}
    assert found["tracker"].with_values("Bearer ${TRACKER_TOKEN}", env) == "Bearer secret-token"
    assert found["tracker"].without_values("it said secret-token", env) == "it said [hidden]"
    assert found["tracker"].missing({"TEAM": "a"}) == ("TRACKER_TOKEN",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[a]", "either a command or a url"),
        ("[a]\ncommand='x'\nurl='https://e.org'", "either a command or a url"),
        ("[a]\ncommand='./run.sh'", "a name that is in PATH, or the whole path"),
        ("[a]\ncommand='bin/run'", "a name that is in PATH, or the whole path"),
        ("[a]\ncommand='x'\ncwd='here'", "write the whole path"),
        ("[a]\ncommand='x'\nenv={K='sk-or-12345678'}", "K: name the variable"),
        ("[a]\ncommand='x'\nheaders={A='b'}", "headers belong to a url"),
        ("[a]\nurl='https://e.org'\nargs=['b']", "belong to a command"),
        ("[a]\nurl='file:///etc/passwd'", "no http:// or https:// address"),
        ("[a]\nurl='https://e.org'\nheaders={Authorization='sk-or-12345678'}", "for the variable"),
        ("[a]\ncommand='x'\ntimeout_s=-1", "timeout_s"),
        ("[a]\ncommand='x'\ntools=['b']\ntool='b'", "did you mean `tools`"),
        ("['a b']\ncommand='x'", "is no name of a server"),
        ("[a__b]\ncommand='x'", "is no name of a server"),
        ("[a_]\ncommand='x'", "is no name of a server"),
        ("a = 1", "write [a] above it"),
        ("[a]\nkey = sk-or-12345678", "it is no TOML"),
    ],
)
def test_what_is_wrong_is_said_without_a_value(written: Path, text: str, why: str) -> None:
    written.write_text(text)
    with pytest.raises(ConfigError) as error:
        configured_servers()
    assert why in str(error.value)
    assert str(written) in str(error.value)
    assert "12345678" not in str(error.value)


def test_a_file_that_others_can_write_is_not_read(written: Path) -> None:
    written.write_text("[a]\ncommand='x'")
    written.chmod(0o664)
    with pytest.raises(ConfigError, match="others can write it"):
        configured_servers()


def test_no_file_of_the_present_folder_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("mcp.toml", ".mcp.json", "presets.toml"):
        (tmp_path / name).write_text("[evil]\ncommand='touch'\nargs=['/tmp/owned']\n")
    monkeypatch.delenv("FUSION_MCP", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    assert configured_servers() == {}


def test_a_program_of_the_present_folder_is_not_found(
    written: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "helper").write_text("#!/bin/sh\n")
    (tmp_path / "helper").chmod(0o755)
    written.write_text("[a]\ncommand='helper'")
    monkeypatch.chdir(tmp_path)
    server = configured_servers()["a"]
    assert server.program({"PATH": ".::bin"}) is None
    assert server.program({"PATH": f".:{tmp_path}"}) == str(tmp_path / "helper")


@pytest.mark.parametrize("entry", ["mcp:", "mcp:a/", "mcp:a b", "mcp:a__b", "mcp:../x", "mcp"])
def test_an_entry_that_names_no_server_is_refused(entry: str) -> None:
    with pytest.raises(ConfigError, match="tools"):
        settings(tools=[entry])


def test_entries_name_a_server_or_one_of_its_tools() -> None:
    assert split_entry("mcp:files") == ("files", None)
    assert split_entry("mcp:files/read.file v2") == ("files", "read.file v2")
    chosen = settings(tools=["web_search", "mcp:files/read"])
    assert chosen.tools_of(chosen.panel[0]) == ("web_search", "mcp:files/read")


@pytest.fixture
def preset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A preset of the operator's that gives one server whole and of another one tool."""
    path = tmp_path / "presets.toml"
    path.write_text(
        '[ours]\npanel = ["m/a", { model = "m/b", tools = ["mcp:files", "mcp:mail/read"] }]\n'
        'judge = "none"\nsynthesizer = "m/w"\n'
    )
    monkeypatch.setenv("FUSION_PRESETS", str(path))
    return "ours"


@pytest.mark.parametrize(
    ("given", "permitted"),
    [
        ({}, True),
        ({"tools": ["web_search"]}, True),
        ({"tools": ["mcp:files/read"]}, True),
        ({"tools": ["mcp:files"], "panel": ["openrouter:m/a"]}, True),
        ({"panel": [{"model": "m/a", "tools": ["mcp:mail/read"]}]}, True),
        ({"tools": ["mcp:mail"]}, False),
        ({"tools": ["mcp:mail/send"]}, False),
        ({"panel": [{"model": "m/a", "tools": ["mcp:bank"]}]}, False),
        ({"preset": "offline", "tools": ["docs", "mcp:files"]}, False),
    ],
)
def test_a_client_cannot_widen_what_its_preset_gives(
    preset: str, given: dict[str, Any], permitted: bool
) -> None:
    policy = ClientPolicy(default_preset=preset, models=("*",))
    if permitted:
        policy.settings(given)
        return
    with pytest.raises(ConfigError, match="only the operator"):
        policy.settings(given)
    trusted = ClientPolicy(default_preset=preset, models=("*",), any_setting=True)
    trusted.settings(given)


def test_what_the_operator_chose_on_the_command_line_is_given_too(preset: str) -> None:
    policy = ClientPolicy(default_preset=preset, models=("*",))
    policy.settings({"max_rounds": 0}, {"tools": ["mcp:bank"]})
    with pytest.raises(ConfigError, match="only the operator"):
        check_widens_nothing(settings(**PANEL, preset=preset, tools=["mcp:bank"]))
