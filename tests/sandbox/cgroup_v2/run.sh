#!/usr/bin/env bash
# Run the sandbox's tests on the unified control groups (cgroup v2), whatever this machine has: user-mode Linux boots
# Debian with systemd and its own Docker service as a process. Nothing of this machine is changed but for the packages
# it needs and, for as long as it runs, vm.max_map_count: user-mode Linux maps memory page by page.
#
#   tests/sandbox/cgroup_v2/run.sh [pytest arguments]
#
# Needs root on Debian, but neither KVM nor a network once the disk is made. Settings, all optional (environment):
#   CGROUP_V2_SUITE       Debian release in the machine (default: this system's)
#   CGROUP_V2_DISK        file to keep the machine's disk in and to use again; each run starts from it as it was made
#   CGROUP_V2_TIMEOUT_S   the machine is stopped after so long (default: 7200)
#   CGROUP_V2_CONSOLE     file for what the machine's console shows
#   CGROUP_V2_ENGINE      `docker`, the service, or `rootless`, another user's (default: docker)
#
# Exit status: pytest's in the machine; 3 this system cannot run it, 4 the machine could not be made or gave no result.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
python=$root/.venv/bin/python
# shellcheck disable=SC1091
suite=${CGROUP_V2_SUITE:-$(. /etc/os-release && echo "${VERSION_CODENAME:-}")}
# What a Debian host with Docker has; python3 for the tests; what engines without root, Podman and bubblewrap need.
packages=systemd-sysv,dbus,kmod,apparmor,docker.io,iptables,tini,procps,python3,curl,git,sqlite3
packages+=,libpam-systemd,dbus-user-session,rootlesskit,slirp4netns,uidmap,fuse-overlayfs,podman,crun,bubblewrap,libseccomp2
export DEBIAN_FRONTEND=noninteractive

log() { echo "[cgroup_v2] $*" >&2; }
fail() { log "$2"; exit "$1"; }

[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail 3 "this needs root on Debian"
[ "$(uname -m)" = x86_64 ] || fail 3 "this needs an x86-64 machine"
[ -x "$python" ] || fail 3 "run \`make setup\` first"

work=$(mktemp -d "${TMPDIR:-/tmp}/cgroup-v2.XXXXXX")
maps_before=$(cat /proc/sys/vm/max_map_count)
trap 'echo "$maps_before" >/proc/sys/vm/max_map_count; rm -rf --one-file-system "$work"' EXIT
[ "$maps_before" -gt 2000000 ] || echo 2000000 >/proc/sys/vm/max_map_count || fail 3 "vm.max_map_count cannot be raised"

need() { # command, package
  command -v "$1" >/dev/null && return
  log "installing $2"
  apt-get -qq update && apt-get install -y -qq --no-install-recommends "$2" >/dev/null || fail 3 "$2 could not be installed"
}

dependencies() {
  "$python" -c 'import sys, tomllib; print(*tomllib.load(open(sys.argv[1], "rb"))["project"]["dependencies"], sep="\n")' "$root/pyproject.toml"
}

make_disk() {
  local tree=$work/tree mirror
  mirror=$(SANDBOX_SUITE=$suite "$root/sandbox/ensure_engine.sh" --mirror)
  log "bootstrapping $suite from $mirror"
  mmdebstrap --quiet --variant=minbase --include="$packages" --skip=cleanup/apt \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    "$suite" "$tree" "$mirror" || fail 4 "$suite could not be bootstrapped"
  log "installing what the tests import"
  "$python" -m pip install --quiet --no-warn-conflicts --only-binary=:all: \
    --target "$tree$(chroot "$tree" python3 -c 'import site; print(site.getsitepackages()[0])')" \
    --python-version "$(chroot "$tree" python3 -c 'import platform; print(platform.python_version())')" \
    -c "$root/requirements.lock" -r <(dependencies) pytest pytest-asyncio pytest-timeout pytest-xdist hypothesis 2>&1 | { grep -v '^WARNING' || true; }
  mkdir -p "$tree/usr/lib/modules"
  cp -a "/usr/lib/uml/modules/$(linux.uml --version)" "$tree/usr/lib/modules/"
  # The kernel has no nat for nftables.
  chroot "$tree" update-alternatives --quiet --set iptables /usr/sbin/iptables-legacy
  chroot "$tree" update-alternatives --quiet --set ip6tables /usr/sbin/ip6tables-legacy
  cp "$here/job.service" "$tree/etc/systemd/system/"
  # The engine is installed and not running: bringing it up is part of what is tested.
  chroot "$tree" systemctl --quiet disable docker.service docker.socket containerd.service
  chroot "$tree" systemctl --quiet enable job.service
  echo cgroup-v2 >"$tree/etc/hostname"
  mkfs.ext4 -q -F -E root_owner=0:0 -d "$tree" "$disk.part" 12G
  rm -rf --one-file-system "$tree"
  mv "$disk.part" "$disk"
}

pack_checkout() {
  printf '%s\n' "${CGROUP_V2_ENGINE:-docker}" "${arguments[@]}" >"$work/arguments"
  git -C "$root" ls-files -z --cached --others --exclude-standard |
    tar -C "$root" --null --files-from=- --ignore-failed-read --transform 's,^,checkout/,' -cf "$work/checkout.tar"
  tar -C "$work" -rf "$work/checkout.tar" arguments
}

run_machine() {
  log "starting the machine"
  truncate -s 4096 "$work/status"
  # However this script ends, the machine ends with it. Its memory is a file in /dev/shm, of the pages it has touched.
  # It is one processor, and much faster when its processes need not be woken on another.
  env -u TMPDIR -u TMP -u TEMP setpriv --pdeathsig TERM timeout --foreground "$seconds" \
    taskset --cpu-list "$(taskset --cpu-list --pid $$ | grep -o '[0-9]*$')" linux.uml mem=6G \
    "ubda=$work/changes,$disk" "ubdbr=$work/checkout.tar" "ubdcr=$base" "ubdd=$work/status" \
    root=/dev/ubda rw cgroup_no_v1=all systemd.unified_cgroup_hierarchy=1 $security random.trust_cpu=on \
    con=null ssl=null con0=null,fd:3 ssl0=null,fd:1 </dev/null 3>"${CGROUP_V2_CONSOLE:-/dev/null}" ||
    log "the machine ended with status $?"
}

case ${CGROUP_V2_ENGINE:-docker} in
  docker) ;;
  # What asks for root starts engines of its own; what it has to do with is the same for both.
  rootless) [ $# -gt 0 ] || set -- tests/sandbox -k "not second and not userns and not engine_death and not test_image" ;;
  *) fail 3 "CGROUP_V2_ENGINE is docker or rootless" ;;
esac
[ $# -gt 0 ] || set -- tests/sandbox tests/graph/test_sandbox_of_a_run.py tests/cli/test_output.py tests/cli/commands/test_sandbox.py
# Docker 20.10 without root cannot ask AppArmor for its profiles, and then starts no container.
security=security=apparmor
[ "${CGROUP_V2_ENGINE:-docker}" = docker ] || security=apparmor=0
arguments=("$@")
seconds=${CGROUP_V2_TIMEOUT_S:-7200}
disk=${CGROUP_V2_DISK:-$work/disk}
need linux.uml user-mode-linux
need mmdebstrap mmdebstrap
need mkfs.ext4 e2fsprogs
base=$("$root/sandbox/ensure_engine.sh" --base)
[ -e "$disk" ] || make_disk
pack_checkout
run_machine
status=$(tr -d '\0\r\n' <"$work/status")
[ -n "$status" ] || fail 4 "the machine gave no result (CGROUP_V2_CONSOLE=file keeps what its console shows)"
exit "$status"
