import ssl
from pathlib import Path

import certifi
import pytest

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.preflight.environment import check_environment, environment_problems


def problems(**env: str) -> list[str]:
    return [str(one) for one in environment_problems(env)]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    "value",
    ["socks://127.0.0.1:7891", "socks5://me:secret@h:1", "SOCKS4a://h", "h:99999", "ftp://h:1",
     "http://", "http://[::1", "http://h:port"],
)  # fmt: skip
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(name: str, value: str) -> None:
    (problem,) = problems(**{name: value})
    assert problem.startswith(f"{name}: ")
    assert f"`unset {name}`" in problem
    assert "secret" not in problem


@pytest.mark.parametrize(
    "value", ["http://h:3128", "https://u:p@h", "h:3128", "h", "", "http://[::1]:1"]
)
def test_a_proxy_that_can_be_used_is_none(value: str) -> None:
    assert problems(HTTPS_PROXY=value) == []


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("no certificate")
    for path in (tmp_path / "none.pem", tmp_path, tmp_path / "empty.pem"):
        (problem,) = problems(SSL_CERT_FILE=str(path))
        assert problem.startswith(f"SSL_CERT_FILE: {path} ")
        assert "`unset SSL_CERT_FILE`" in problem
    assert problems(SSL_CERT_FILE=certifi.where()) == []
    assert problems(SSL_CERT_DIR=str(tmp_path)) == []
    (problem,) = problems(SSL_CERT_DIR="/nowhere")
    assert "there is no folder /nowhere" in problem
    assert ssl.create_default_context(cafile=certifi.where())


@pytest.mark.parametrize("value", ["sk-a\nb", "sk a", "sk-ä", "sk-\x00", "sk-\u200b1"])
def test_a_key_with_characters_no_key_has_is_named_and_never_shown(value: str) -> None:
    for name in ("OPENROUTER_API_KEY", "TAVILY_API_KEY"):
        (problem,) = problems(**{name: value})
        assert problem.startswith(f"{name}: it holds")
        assert value not in problem
    assert problems(OPENROUTER_API_KEY=" sk-fine\n", TAVILY_API_KEY="tvly-1\r\n") == []


def test_every_problem_is_in_one_error() -> None:
    with pytest.raises(ConfigError) as raised:
        check_environment({"SSL_CERT_FILE": "/nowhere", "ALL_PROXY": "socks://x"})
    assert "SSL_CERT_FILE" in str(raised.value)
    assert "ALL_PROXY" in str(raised.value)
    check_environment({})
