#!/usr/bin/env bash
# Make a Docker engine answer and the sandbox image exist on a bare Debian root shell, without an image registry.
# Does nothing when both are there already. Safe to run again, and twice at the same time.
#
#   ./ensure_engine.sh                    make everything ready
#   eval "$(./ensure_engine.sh --env)"    the same, and export DOCKER_HOST to the caller
#   ./ensure_engine.sh --if-possible      the same, but no error where there is no way to (unless REQUIRE_DOCKER=1)
#   ./ensure_engine.sh --base             make only the image's base, without an engine, and print its file
#   ./ensure_engine.sh --mirror           print the mirror that apt uses here
#
# Settings, all optional (environment):
#   DOCKER_HOST            the engine to use
#   SANDBOX_STATE_DIR      engine data, log, lock and cached base; keep it between CI runs to save the bootstrap
#   SANDBOX_IMAGE          name of the image to build (default: DEFAULT_IMAGE in settings.py)
#   SANDBOX_TAR_CACHE      file or disk that keeps the bootstrapped base
#   SANDBOX_SUITE          Debian release of the image (default: the one the Dockerfile names)
#   SANDBOX_MIRROR         mirror to bootstrap from (default: the one this system's apt uses)
#
# Exit status: 3 no engine and no way to start one, 4 the engine did not start, 5 an image could not be built.
set -euo pipefail

mode=${1:-}
case $mode in '' | --env | --if-possible | --base | --mirror) ;; *)
  echo "usage: $0 [--env | --if-possible | --base | --mirror]" >&2
  exit 2 ;;
esac
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "$(id -u)" = 0 ]; then state_default=/var/lib/langgraph-fusion-sandbox
else state_default=${XDG_STATE_HOME:-$HOME/.local/state}/langgraph-fusion-sandbox; fi
state=${SANDBOX_STATE_DIR:-$state_default}
label=langgraph-fusion.sandbox.hash
export DEBIAN_FRONTEND=noninteractive

log() { echo "[ensure_engine] $*" >&2; }
fail() {
  local code=$1
  shift
  log "$*"
  if [ "$code" = 3 ] && [ "$mode" = --if-possible ] && [ "${REQUIRE_DOCKER:-}" != 1 ]; then exit 0; fi
  exit "$code"
}
answers() { timeout 20 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
have() { docker image inspect "$1" >/dev/null 2>&1; }
hash_of() { sha256sum | cut -c1-16; }
argument() { sed -n "s/^ARG $1=\"\\{0,1\\}\\([^\"]*\\)\"\\{0,1\\}\$/\\1/p" "$here/Dockerfile"; }

# Each fact stands once: the image's name in settings.py, its packages, its trimming and its suite in the Dockerfile.
image=${SANDBOX_IMAGE:-$(sed -n 's/^DEFAULT_IMAGE = "\(.*\)"$/\1/p' "$here/settings.py")}
packages=$(argument PACKAGES | tr -s ' ' ',')
trim=$(argument TRIM)
suite=${SANDBOX_SUITE:-$(argument BASE | sed -n 's/^debian:\([a-z]*\).*$/\1/p')}
for value in "$image" "$packages" "$trim" "$suite"; do
  [ -n "$value" ] || fail 5 "no DEFAULT_IMAGE in $here/settings.py, or no BASE, PACKAGES or TRIM in $here/Dockerfile"
done
base_tag=$suite-$(echo "$packages $trim" | hash_of)
base=langgraph-fusion-sandbox-base:$base_tag
tar_cache=${SANDBOX_TAR_CACHE:-$state/base-$base_tag.tar}
# The same files and hash as IMAGE_FILES and image_hash() in engine.py: a changed Dockerfile or supervisor rebuilds, nothing else does.
image_files=(Dockerfile in_container/supervisor.py in_container/forwarder.py)
image_hash=$(cd "$here" && cat "${image_files[@]}" | hash_of)

ready() {
  answers && [ "$(docker image inspect "$image" --format "{{index .Config.Labels \"$label\"}}" 2>/dev/null)" = "$image_hash" ]
}

finish() {
  [ "$mode" = --env ] || return 0
  # The Python client reads DOCKER_HOST only, not `docker context`.
  echo "export DOCKER_HOST=${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}')}"
}

apt_updated=no
apt_update() { [ $apt_updated = yes ] || { apt-get -qq update >&2; apt_updated=yes; }; }
apt_get() {
  [ "$(id -u)" = 0 ] || fail 3 "installing $* needs root"
  apt_update
  apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

wait_for_engine() { # seconds, pid that must stay alive (optional)
  for _ in $(seq $(($1 * 5))); do
    answers && return 0
    [ -z "${2:-}" ] || kill -0 "$2" 2>/dev/null || return 1
    sleep 0.2
  done
  return 1
}

install_engine() {
  command -v dockerd >/dev/null || { log "installing docker.io"; apt_get docker.io iptables; }
  command -v docker >/dev/null || apt_get docker-cli     # a package of its own from Debian 13 on
  command -v docker-init >/dev/null || apt_get tini      # `init=True` needs it
}

# With systemd the package brings its own service: a second daemon on the same socket would fight with it.
start_service() {
  [ -d /run/systemd/system ] && [ -z "${DOCKER_HOST:-}" ] && systemctl cat docker >/dev/null 2>&1 || return 1
  log "starting the service docker"
  systemctl start docker && wait_for_engine 30
}

# A SIGKILLed dockerd leaves its private containerd behind, and that blocks the next start.
clear_stale_engine() {
  local file pid
  for file in "$state/docker.pid" "$state/exec/containerd/containerd.pid"; do
    pid=$(cat "$file" 2>/dev/null || true)
    if [ -n "$pid" ] && grep -qaF -- "$state" "/proc/$pid/cmdline" 2>/dev/null; then kill -9 "$pid" || true; fi
    rm -f "$file"
  done
}

start_engine() {
  case ${DOCKER_HOST:-} in '' | unix://*) ;; *) fail 3 "no Docker engine answers at $DOCKER_HOST" ;; esac
  [ "$(id -u)" = 0 ] || fail 3 "no Docker engine answers, and starting one needs root"
  command -v docker >/dev/null && command -v dockerd >/dev/null && command -v docker-init >/dev/null || install_engine
  if answers || start_service; then return; fi
  export DOCKER_HOST=${DOCKER_HOST:-unix:///var/run/docker.sock}
  mkdir -p "$state/data" "$state/exec"
  clear_stale_engine
  local flags pid
  for flags in "" "--iptables=false --ip6tables=false --bridge=none" "--iptables=false --ip6tables=false --bridge=none --storage-driver=vfs"; do
    log "starting dockerd $flags"
    # 9>&-: otherwise the daemon keeps our lock for as long as it lives
    # shellcheck disable=SC2086
    setsid nohup dockerd --data-root "$state/data" --exec-root "$state/exec" -p "$state/docker.pid" -H "$DOCKER_HOST" \
      --log-level=warn $flags >"$state/dockerd.log" 2>&1 9>&- </dev/null &
    pid=$!
    wait_for_engine 30 "$pid" && return
    kill "$pid" 2>/dev/null || true
    sleep 1
  done
  tail -20 "$state/dockerd.log" >&2
  fail 4 "dockerd did not start"
}

# apt itself reads sources.list and sources.list.d, in both formats and with all their options; it lists only what an
# `apt-get update` has fetched. One mirror carries all suites, so another release's entry serves as well.
system_mirror() {
  local own
  # shellcheck disable=SC1091
  own=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(RELEASE)|$(CODENAME)|$(REPO_URI)' 'Identifier: Packages' 'Component: main' |
    awk -F'|' -v want="$suite" -v own="$own" '
      $1 == want || $2 == want { if (!exact) exact = $3 }
      $1 == own || $2 == own { if (!near) near = $3 }
      END { print exact ? exact : near }'
}

find_mirror() {
  if [ -z "${SANDBOX_MIRROR:-}" ] && [ "$(id -u)" = 0 ]; then apt_update; fi
  mirror=${SANDBOX_MIRROR:-$(system_mirror)}
  [ -n "$mirror" ] || fail 5 "apt has no source for $suite here; set SANDBOX_MIRROR"
}

bootstrap_base() {
  [ ! -e "$tar_cache" ] || return 0
  command -v mmdebstrap >/dev/null || { log "installing mmdebstrap"; apt_get mmdebstrap; }
  find_mirror
  log "bootstrapping $suite"
  mkdir -p "$(dirname "$tar_cache")"
  # shellcheck disable=SC2016
  mmdebstrap --quiet --variant=minbase --include="$packages" \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='chroot "$1" sh -c "rm -rf /var/cache/apt /var/lib/apt/lists '"$trim"'"' \
    "$suite" "$tar_cache.part.tar" "$mirror" >&2 || fail 5 "the base could not be bootstrapped"
  mv "$tar_cache.part.tar" "$tar_cache"
}

import_base() {
  bootstrap_base
  docker import - "$base" <"$tar_cache" >/dev/null || fail 5 "the base could not be imported"
  log "built $base"
}

build_image() { # the base plus the supervisor; needs no network
  local out
  out=$(tar -C "$here" -c "${image_files[@]}" | DOCKER_BUILDKIT=0 docker build --network none --force-rm -q --build-arg BASE="$base" \
    --build-arg INSTALL=no --label "$label=$image_hash" -t "$image" - 2>&1) || { echo "$out" >&2; fail 5 "$image could not be built"; }
  log "built $image"
  # What the new image has replaced; one still in use stays.
  docker image ls -q --filter dangling=true --filter "label=$label" | xargs -r docker image rm >/dev/null 2>&1 || true
}

if [ "$mode" = --mirror ]; then find_mirror; echo "$mirror"; exit 0; fi
if [ "$mode" != --base ] && ready; then log "engine and image are there, nothing to do"; finish; exit 0; fi
for tool in timeout flock setsid apt-get; do
  command -v $tool >/dev/null || fail 3 "this is no Debian: start Docker and run \`fusion sandbox build\`"
done

mkdir -p "$state"
exec 9>"$state/lock"
flock 9 # two CI steps at once
if [ "$mode" = --base ]; then bootstrap_base; echo "$tar_cache"; exit 0; fi
answers || start_engine
log "engine $(docker version --format '{{.Server.Version}}'): $(docker info --format \
  'mem={{.MemoryLimit}} pids={{.PidsLimit}} cpu={{.CPUCfsQuota}} driver={{.Driver}} cgroup=v{{.CgroupVersion}}' 2>/dev/null)"
if ! ready; then have "$base" || import_base; build_image; fi
finish
