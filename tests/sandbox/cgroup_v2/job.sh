#!/usr/bin/env bash
# In the machine: say where we are, bring the engine up, run the tests. Output goes to the serial line, the exit status
# to the last disk.
set -euo pipefail

stty -F /dev/ttyS0 raw -echo
exec >/dev/ttyS0 2>&1 </dev/null
trap 'echo $? >/dev/ubdd; sync' EXIT
cd /opt/checkout
export HOME=/root PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HYPOTHESIS_STORAGE_DIRECTORY=/tmp/hypothesis
export REQUIRE_DOCKER=1 REQUIRE_BUBBLEWRAP=1 REQUIRE_PODMAN=1
export SANDBOX_TAR_CACHE=/dev/ubdc
mapfile -t arguments </opt/arguments
engine=${arguments[0]}
run=()

start_service() {
  sandbox/ensure_engine.sh
  systemctl --quiet is-active docker || { journalctl --no-pager --unit docker | tail -20; exit 1; }
}

# Docker as its documentation sets it up for a user: subordinate ids, and a manager that outlives the login. Once with
# the processor's controller kept from users, as before systemd 252. The sandbox needs no network, and the machine has
# no tunnels.
start_rootless() {
  useradd --create-home tester
  chmod a+r /dev/ubdc
  run=(runuser -u tester -- env HOME=/home/tester XDG_RUNTIME_DIR="/run/user/$(id -u tester)"
    DBUS_SESSION_BUS_ADDRESS="unix:path=/run/user/$(id -u tester)/bus"
    DOCKER_HOST="unix:///run/user/$(id -u tester)/docker.sock" PATH=/usr/sbin:/usr/bin:/sbin:/bin)
  mkdir -p /etc/systemd/system/user@.service.d
  printf '[Service]\nDelegate=\nDelegate=memory pids\n' >/etc/systemd/system/user@.service.d/delegate.conf
  start_for_user
  "${run[@]}" python3 -m pytest -q -p no:cacheprovider tests/sandbox/docker/test_rootless.py
  systemctl stop "user@$(id -u tester)"
  rm /etc/systemd/system/user@.service.d/delegate.conf
  start_for_user
  "${run[@]}" sandbox/ensure_engine.sh
}

start_for_user() {
  systemctl daemon-reload
  loginctl enable-linger tester
  systemctl start "user@$(id -u tester)"
  "${run[@]}" systemd-run --user --quiet --unit=docker --property=Delegate=yes --setenv=PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    --setenv=DOCKERD_ROOTLESS_ROOTLESSKIT_NET=host --setenv=DOCKERD_ROOTLESS_ROOTLESSKIT_PORT_DRIVER=none \
    /usr/share/docker.io/contrib/dockerd-rootless.sh --iptables=false --ip6tables=false --ip-forward=false --bridge=none
  for _ in $(seq 100); do
    ! "${run[@]}" docker version >/dev/null 2>&1 || return 0
    "${run[@]}" systemctl --user --quiet is-active docker || break
    sleep 1
  done
  journalctl --no-pager | tail -40
  exit 1
}

hierarchy=$(stat -fc %T /sys/fs/cgroup)
echo "kernel $(uname -r), $(systemctl --version | head -1), /sys/fs/cgroup is $hierarchy"
[ "$hierarchy" = cgroup2fs ]
case $engine in docker) start_service ;; rootless) start_rootless ;; esac
"${run[@]}" docker info --format 'Docker {{.ServerVersion}}: cgroup v{{.CgroupVersion}} by {{.CgroupDriver}}, {{.Driver}}, {{.SecurityOptions}}'
runc --version | head -1

"${run[@]}" python3 -m pytest -p no:cacheprovider -o console_output_style=classic -o timeout=900 "${arguments[@]:1}"
