#!/usr/bin/env bash
# In the machine: say where we are, bring the engine up, run the tests. Output goes to the serial line, the exit status
# to the last disk.
set -euo pipefail

stty -F /dev/ttyS0 raw -echo
exec >/dev/ttyS0 2>&1 </dev/null
trap 'echo $? >/dev/ubdd; sync' EXIT
cd /opt/checkout
export HOME=/root PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 REQUIRE_DOCKER=1
export SANDBOX_TAR_CACHE=/dev/ubdc

hierarchy=$(stat -fc %T /sys/fs/cgroup)
echo "kernel $(uname -r), $(systemctl --version | head -1), /sys/fs/cgroup is $hierarchy"
[ "$hierarchy" = cgroup2fs ]
sandbox/ensure_engine.sh
systemctl --quiet is-active docker || { journalctl --no-pager --unit docker | tail -20; exit 1; }
docker info --format 'Docker {{.ServerVersion}}: cgroup v{{.CgroupVersion}} by {{.CgroupDriver}}, {{.Driver}}, {{.SecurityOptions}}'
runc --version | head -1

mapfile -t arguments </opt/arguments
python3 -m pytest -p no:cacheprovider -o console_output_style=classic -o timeout=900 "${arguments[@]}"
