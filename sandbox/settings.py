"""The settings of sandboxes, and names of settings that are refused."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from langgraph_fusion.sandbox.network.host_names import host_name, literal_address

# The one place that names the image: ensure_engine.sh reads this line.
DEFAULT_IMAGE = "langgraph-fusion-sandbox:latest"
BUILD_IMAGE = "Run `fusion sandbox build`."

# Work, temporary and shared-memory files count as memory; this much must be left for programs.
PROGRAM_MB = 128
SHM_MB = 16

# What other tools call the settings that would let a command reach the host.
HOLES = {
    "binds": "mounts the host's files",
    "cap_add": "gives commands privileges",
    "capabilities": "gives commands privileges",
    "cgroup_parent": "moves the container out of its limits",
    "cgroupns": "shares a host namespace",
    "device_requests": "gives commands the host's devices",
    "devices": "gives commands the host's devices",
    "docker_socket": "hands commands the engine, which is root on the host",
    "group_add": "gives commands privileges",
    "host_config": "could carry any other hole",
    "ipc_mode": "shares a host namespace",
    "mounts": "mounts the host's files",
    "network": "reaches services of the host",
    "network_mode": "reaches services of the host",
    "pid_mode": "shares a host namespace",
    "ports": "opens ports on the host",
    "privileged": "removes the sandbox altogether",
    "security_opt": "turns off the kernel's filters",
    "sysctls": "changes the kernel",
    "user": "could make commands root",
    "userns_mode": "shares a host namespace",
    "uts_mode": "shares a host namespace",
    "volumes": "mounts the host's files",
    "volumes_from": "mounts other containers' files",
}


def _allowed_host(text: str) -> str:
    wildcard, name = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    host = host_name(name)
    if wildcard and literal_address(host):
        raise ValueError("nothing is below an address")
    return wildcard + host


Host = Annotated[str, Field(max_length=300), AfterValidator(_allowed_host)]


class SandboxSettings(BaseModel):
    """Limits of one member's container. JSON-able, and holds nothing that could open the host."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["auto", "docker", "bubblewrap"] = Field(
        default="auto",
        description=(
            "What commands run in. `auto` is a Docker container or, where no engine answers and it "
            "holds every limit, bubblewrap, which the result says. `bubblewrap` needs no engine "
            "and may hold less, see docs/security.md."
        ),
    )
    image: str = Field(
        default=DEFAULT_IMAGE,
        pattern=r"^[a-z0-9][A-Za-z0-9._/:@-]*$",
        max_length=300,
        description="Image to start: ours, or one derived from it. Never pulled.",
    )
    runtime: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        max_length=100,
        description="The engine's OCI runtime, such as `runsc` for gVisor; None is its default.",
    )
    memory_mb: int = Field(
        default=1024,
        ge=192,
        le=65_536,
        description="Memory in MiB, files in the sandbox included; there is no swap on top.",
    )
    cpus: float = Field(default=1.0, ge=0.1, le=64, description="Share of CPU time, in CPUs.")
    max_processes: int = Field(
        default=128, ge=16, le=4096, description="Processes and threads at the same time."
    )
    work_mb: int = Field(default=256, ge=1, le=32_768, description="Size of /work in MiB.")
    tmp_mb: int = Field(default=64, ge=1, le=32_768, description="Size of /tmp in MiB.")
    max_files: int = Field(
        default=50_000, ge=100, le=1_000_000, description="Files in /work, and in /tmp."
    )
    timeout_s: float = Field(
        default=60, gt=0, le=3600, description="Seconds a command may take if it does not say."
    )
    max_timeout_s: float = Field(
        default=300, gt=0, le=3600, description="Seconds a command may ask for at most."
    )
    max_lifetime_s: int = Field(
        default=3600, ge=5, le=86_400, description="Seconds until a container ends by itself."
    )
    head_bytes: int = Field(
        default=8_000,
        ge=100,
        le=1_000_000,
        description="Bytes kept of the beginning of the output.",
    )
    tail_bytes: int = Field(
        default=8_000, ge=100, le=1_000_000, description="Bytes kept of the end of the output."
    )
    max_file_mb: int = Field(
        default=16, ge=1, le=64, description="Size in MiB of one file copied in or out."
    )
    allow_hosts: tuple[Host, ...] = Field(
        default=(),
        max_length=100,
        description=(
            "Hosts that commands may reach over HTTP(S) through our proxy, `*.` for subdomains. "
            "Empty: no network at all."
        ),
    )
    max_download_mb: int = Field(
        default=64,
        ge=1,
        le=4096,
        description="MiB one member may move through the proxy, both ways.",
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_holes(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for name in values:
                if why := HOLES.get(str(name).lower()):
                    raise ValueError(
                        f"`{name}` is not a sandbox setting: it {why}. Remove `{name}`; "
                        "see docs/security.md for what a sandbox may be given."
                    )
        return values

    @model_validator(mode="after")
    def _limits_fit_together(self) -> Self:
        needed = self.work_mb + self.tmp_mb + SHM_MB + PROGRAM_MB
        if self.memory_mb < needed:
            raise ValueError(
                f"`memory_mb` is {self.memory_mb}, but files count as memory: /work, /tmp and "
                f"programs need at least {needed}. Raise `memory_mb`, or lower the others."
            )
        if self.kind == "bubblewrap" and (self.allow_hosts or self.runtime):
            raise ValueError(
                "`kind` is bubblewrap, which knows no `allow_hosts` and no `runtime`. Use docker."
            )
        if self.timeout_s > self.max_timeout_s:
            raise ValueError("`timeout_s` is above `max_timeout_s`. Lower it, or raise the limit.")
        return self
