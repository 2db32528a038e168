import subprocess
import sys

import pytest
from pydantic import ValidationError

from langgraph_fusion.sandbox.docker.container_spec import container_flags
from langgraph_fusion.sandbox.settings import HOLES, SandboxSettings


@pytest.mark.parametrize("name", sorted(HOLES))
def test_what_would_open_a_hole_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValidationError, match=f"`{name}` is not a sandbox setting"):
        SandboxSettings.model_validate({name: "anything"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("memory_mb", 10),
        ("max_processes", 1),
        ("cpus", 0),
        ("image", "--privileged"),
        ("image", "a b"),
        ("runtime", "run c"),
        ("timeout_s", 0),
        ("max_lifetime_s", 4),
        ("max_lifetime_s", 10**9),
        ("allow_hosts", ["http://example.org/"]),
        ("allow_hosts", ["*"]),
        ("nonsense", 1),
    ],
)
def test_a_bad_value_names_its_field(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        SandboxSettings.model_validate({field: value})


def test_limits_have_to_fit_together() -> None:
    with pytest.raises(ValidationError, match="memory_mb"):
        SandboxSettings(memory_mb=256, work_mb=256)
    with pytest.raises(ValidationError, match="max_timeout_s"):
        SandboxSettings(timeout_s=100, max_timeout_s=50)


def test_settings_survive_json_and_are_frozen() -> None:
    settings = SandboxSettings(allow_hosts=("example.org", "*.example.com"))
    assert SandboxSettings.model_validate_json(settings.model_dump_json()) == settings
    with pytest.raises(ValidationError):
        settings.memory_mb = 4096


def test_no_setting_reaches_the_host() -> None:
    settings = SandboxSettings(runtime="runsc", allow_hosts=("example.org",))
    flags = container_flags(settings, {})
    assert flags["network_mode"] == "none"
    assert not {"volumes", "devices", "privileged", "mounts", "pid_mode"} & flags.keys()
    (mount,) = container_flags(settings, {}, "/proxy/directory")["mounts"]
    assert mount["ReadOnly"] is True


def test_importing_the_package_loads_neither_docker_nor_pydantic() -> None:
    code = "import langgraph_fusion.sandbox, sys; print({'docker', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Example.ORG.", "example.org"),
        ("*.Example.org", "*.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_an_allowed_host_is_kept_in_its_one_spelling(written: str, meant: str) -> None:
    assert SandboxSettings(allow_hosts=(written,)).allow_hosts == (meant,)


@pytest.mark.parametrize(
    "host", ["a\0.org", "*.127.0.0.1", "a_b.org", "x@y.org", "*.*.org", "a..b"]
)
def test_what_is_no_host_is_not_allowed(host: str) -> None:
    with pytest.raises(ValidationError, match="allow_hosts"):
        SandboxSettings(allow_hosts=(host,))
