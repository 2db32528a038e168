#!/usr/bin/env bash
# In the virtual machine: say where we are, bring the engine up, run the tests. Output goes to the second serial
# line, the exit status to the third.
set -euo pipefail

stty -F /dev/ttyS1 raw -echo
stty -F /dev/ttyS2 raw -echo
exec >/dev/ttyS1 2>&1 </dev/null
trap 'echo $? >/dev/ttyS2' EXIT
cd /opt/checkout
export HOME=/root PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 REQUIRE_DOCKER=1
export SANDBOX_TAR_CACHE=/dev/disk/by-id/virtio-base

hierarchy=$(stat -fc %T /sys/fs/cgroup)
echo "kernel $(uname -r), $(systemctl --version | head -1), /sys/fs/cgroup is $hierarchy"
[ "$hierarchy" = cgroup2fs ]
sandbox/ensure_engine.sh
docker info --format 'Docker {{.ServerVersion}}: cgroup v{{.CgroupVersion}} by {{.CgroupDriver}}, {{.Driver}}, {{.SecurityOptions}}'
runc --version | head -1

mapfile -t arguments </opt/arguments
python3 -m pytest -p no:cacheprovider -o console_output_style=classic "${arguments[@]}" | tee /tmp/tests
if tail -1 /tmp/tests | grep -qE 'skipped|no tests ran'; then
  echo "Tests were skipped: nothing is proven."
  exit 1
fi
