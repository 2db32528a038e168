#!/usr/bin/env bash
# Run the sandbox's tests in a virtual machine: Debian's own kernel, systemd, the unified control groups (cgroup v2),
# AppArmor and Debian's Docker as its service. Nothing of this machine is changed but for the packages it needs.
#
#   tests/sandbox/cgroup_v2/run.sh [pytest arguments]
#
# Needs root on Debian. Settings, all optional (environment):
#   CGROUP_V2_SUITE       Debian release in the machine (default: this system's)
#   CGROUP_V2_ACCEL       kvm, or tcg to emulate the processor: the default where no KVM of the hardware answers, and slow
#   CGROUP_V2_TIMEOUT_S   the machine is stopped after so long (default: 900, emulated 7200)
#   CGROUP_V2_CONSOLE     file for what the machine's console shows
#
# Exit status: pytest's in the machine, 1 if tests were skipped; 3 this system cannot run it, 4 the machine could not
# be made or gave no result.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
python=$root/.venv/bin/python
# shellcheck disable=SC1091
suite=${CGROUP_V2_SUITE:-$(. /etc/os-release && echo "${VERSION_CODENAME:-}")}
# What a Debian host with Docker has; python3 for the tests.
packages=systemd-sysv,dbus,linux-image-cloud-amd64,initramfs-tools,apparmor,docker.io,iptables,tini,procps,python3
export DEBIAN_FRONTEND=noninteractive

log() { echo "[cgroup_v2] $*" >&2; }
fail() { log "$2"; exit "$1"; }

[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail 3 "this needs root on Debian"
[ "$(uname -m)" = x86_64 ] || fail 3 "this needs an x86-64 machine"
[ -x "$python" ] || fail 3 "run \`make setup\` first"

work=$(mktemp -d "${TMPDIR:-/tmp}/cgroup-v2.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT

# A /dev/kvm without the processor's own support, as in some virtual machines, is slower than emulation or fails.
hardware_kvm() { [ -w /dev/kvm ] && { [ -d /sys/module/kvm_intel ] || [ -d /sys/module/kvm_amd ]; }; }

need() { # command, package
  command -v "$1" >/dev/null && return
  log "installing $2"
  apt-get -qq update && apt-get install -y -qq --no-install-recommends "$2" >/dev/null || fail 3 "$2 could not be installed"
}

make_disk() {
  local tree=$work/tree mirror
  mirror=$(SANDBOX_SUITE=$suite "$root/sandbox/ensure_engine.sh" --mirror)
  log "bootstrapping $suite from $mirror"
  mmdebstrap --quiet --variant=minbase --include="$packages" --skip=cleanup/apt \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    "$suite" "$tree" "$mirror" || fail 4 "$suite could not be bootstrapped"
  log "packing the checkout and what its tests import"
  mkdir -p "$tree/opt/checkout"
  git -C "$root" ls-files -z --cached --others --exclude-standard |
    tar -C "$root" --null --files-from=- --ignore-failed-read -c | tar -C "$tree/opt/checkout" -x
  "$python" -m pip install --quiet --no-warn-conflicts --only-binary=:all: \
    --target "$tree$(chroot "$tree" python3 -c 'import site; print(site.getsitepackages()[0])')" \
    --python-version "$(chroot "$tree" python3 -c 'import platform; print(platform.python_version())')" \
    -c "$root/requirements.lock" docker pydantic pytest pytest-asyncio pytest-timeout 2>&1 | { grep -v '^WARNING' || true; }
  install_job "$tree"
  cp "$tree"/boot/vmlinuz-* "$work/kernel"
  cp "$tree"/boot/initrd.img-* "$work/initrd"
  mkfs.ext4 -q -F -E root_owner=0:0 -d "$tree" "$work/disk" 10G
  rm -rf --one-file-system "$tree"
}

install_job() { # tree
  printf '%s\n' "${arguments[@]}" >"$1/opt/arguments"
  cp "$here/job.service" "$1/etc/systemd/system/"
  # The engine is installed and not running: bringing it up is part of what is tested.
  chroot "$1" systemctl --quiet disable docker.service docker.socket containerd.service
  chroot "$1" systemctl --quiet enable job.service systemd-networkd.service
  printf '[Match]\nName=en* eth*\n[Network]\nDHCP=yes\n' >"$1/etc/systemd/network/any.network"
  echo cgroup-v2 >"$1/etc/hostname"
}

run_machine() {
  log "starting the machine ($accel)"
  # However this script ends, the machine ends with it.
  setpriv --pdeathsig TERM timeout --foreground "$seconds" qemu-system-x86_64 -machine "q35,accel=$accel" -cpu "$cpu" -smp 2 -m 4G \
    -nodefaults -display none -no-reboot -kernel "$work/kernel" -initrd "$work/initrd" \
    -append "root=/dev/disk/by-id/virtio-disk rw console=ttyS0 panic=-1" \
    -drive "file=$work/disk,id=disk,if=none,format=raw,cache=unsafe" -device virtio-blk-pci,drive=disk,serial=disk \
    -drive "file=$base,id=base,if=none,format=raw,readonly=on" -device virtio-blk-pci,drive=base,serial=base \
    -nic user,model=virtio-net-pci -device virtio-rng-pci \
    -serial "file:${CGROUP_V2_CONSOLE:-/dev/null}" -serial stdio -serial "file:$work/status" </dev/null ||
    log "the machine ended with status $?"
}

arguments=("${@:-tests/sandbox}")
accel=${CGROUP_V2_ACCEL:-$(hardware_kvm && echo kvm || echo tcg)}
if [ "$accel" = kvm ]; then
  cpu=host seconds=${CGROUP_V2_TIMEOUT_S:-900}
else
  log "no KVM of the hardware: the processor is emulated, which takes the better part of an hour"
  cpu=max,la57=off seconds=${CGROUP_V2_TIMEOUT_S:-7200}
  log "left out, being too much for it in 60 s: one gigabyte of output"
  arguments+=(-o timeout=900 --deselect
    "tests/sandbox/test_docker.py::test_a_docker_sandbox_meets_the_contract[a_gigabyte_of_output_is_cut_in_constant_memory]")
fi
need qemu-system-x86_64 qemu-system-x86
need mmdebstrap mmdebstrap
need mkfs.ext4 e2fsprogs
base=$("$root/sandbox/ensure_engine.sh" --base)
make_disk
run_machine
status=$(tr -d '\r\n' <"$work/status" || true)
[ -n "$status" ] || fail 4 "the machine gave no result (CGROUP_V2_CONSOLE=file keeps what its console shows)"
exit "$status"
