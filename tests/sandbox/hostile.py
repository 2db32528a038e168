"""Random sequences of commands that try to break their own sandbox."""

# ruff: noqa: E501

from hypothesis import strategies as st

SIGNALS = ["KILL", "TERM", "INT", "HUP", "QUIT", "SEGV", "ABRT", "USR1", "CHLD", "CONT", "PIPE"]
TARGETS = ["$PPID", "-1", "$$", "1", "0"]
PLACES = [
    "/run/sbx",
    "/work",
    "/tmp",
    "/dev/shm",
    "/run/sbx/x",
    "/work/out",
    "/opt/sbx",
    "/proc/self",
]
STATE = ["cwd", "env", "cwd.n", "env.n", "cmd", "bg-1.log", "x"]
LIMITS = ["nofile", "as", "data", "stack", "cpu", "fsize", "nproc", "core", "memlock", "rss"]
ULIMITS = ["-n 3", "-v 1000", "-s 8", "-t 1", "-f 0", "-u 1", "-l 0", "-c 0", "-d 1000"]
VALUES = ["", "/nowhere", "x", "$(head -c 3000000 /dev/zero | tr '\\0' x)", "() { :; }", "-", "\\n"]
VARIABLES = ["PATH", "HOME", "IFS", "LD_PRELOAD", "BASH_ENV", "ENV", "SHELLOPTS", "PS4", "LANG",
             "PYTHONHOME", "PYTHONPATH", "TMPDIR", "PWD", "OLDPWD", "CDPATH", "__d", "__c"]  # fmt: skip
FIXED = [
    *(
        "exec 0<&- 1>&- 2>&-",
        "exec 3<&-",
        "exec true",
        "exec cat",
        "exit 300",
        "return 5",
        "set -e; false",
    ),
    *("set -n", "set -o posix", "shopt -s extdebug", "echo 'open", "$(", "<<X", "trap '' EXIT"),
    *(
        "trap 'kill -9 $PPID' EXIT",
        "trap 'exec sleep 9' EXIT",
        "enable -n . cd trap",
        "readonly __d=x",
    ),
    *("cd() { exit 9; }; export -f cd", "alias cd=false", "unset PATH", "hash -p /bin/false true"),
    *("rm -rf /work/* /tmp/* /run/sbx/*", "cd /tmp && mkdir d && cd d && rmdir /tmp/d", "sleep 9"),
    *(
        "head -c 400000 /dev/urandom",
        "yes | head -c 3000000",
        "printf '99999999999\\n{}'",
        "cat /dev/zero",
    ),
    *("tail /dev/zero", "python3 -c 'x = bytearray(3 << 30)'", ":(){ :|:& };:", "true"),
    *(
        "ln -sfn /proc/self /run/sbx/cwd",
        "echo 'exit 1' > /run/sbx/env",
        "echo 'kill $$' > /run/sbx/env",
    ),
    *(
        "echo '/nowhere' > /run/sbx/cwd",
        "for i in {1..200}; do sleep 30 & done",
        "exec 9>/run/sbx/y; cat >&9",
    ),
    *(
        "mv /run/sbx /run/y",
        "umount /work",
        "chattr +i /work/x",
        "taskset -pc 0 $PPID",
        "chrt -ip 0 $PPID",
    ),
    *("disown -a; setsid sleep 30 &", "nohup sh -c 'sleep 30' &", "coproc cat", "cat <&0", "wait"),
]
# Each costs the time until the host gives the supervision up.
SLOW = [
    "kill -STOP $PPID",
    "kill -STOP -1",
    "(setsid sh -c 'while :; do kill -STOP -1; done' >/dev/null 2>&1 &)",
]

HARMS = st.one_of(
    st.builds("kill -{} {}".format, st.sampled_from(SIGNALS), st.sampled_from(TARGETS)),
    st.builds("chmod {} {}".format, st.sampled_from(["0", "777", "000 -R", "u-x"]), st.sampled_from(PLACES)),
    st.builds("prlimit --pid $PPID --{0}=0:0".format, st.sampled_from(LIMITS)),
    st.builds("ulimit {}".format, st.sampled_from(ULIMITS)),
    st.builds("export {}={!r}".format, st.sampled_from(VARIABLES), st.sampled_from(VALUES)),
    st.builds('export {}="{}"'.format, st.sampled_from(VARIABLES), st.sampled_from(VALUES)),
    st.builds("head -c 30M /dev/zero > {}/f".format, st.sampled_from(PLACES)),
    st.builds("trap '' EXIT; rm -rf /run/sbx/{0}; mkfifo /run/sbx/{0}".format, st.sampled_from(STATE)),
    st.builds("trap '' EXIT; rm -rf /run/sbx/{0}; mkdir -p /run/sbx/{0}/x; chmod 0 /run/sbx/{0}".format,
              st.sampled_from(STATE)),
    st.builds("ln -sfn {1} /run/sbx/{0}".format, st.sampled_from(STATE),
              st.sampled_from(["/dev/zero", "/dev/full", "/etc/shadow", "loop", "/proc/self/mem"])),
    st.sampled_from(FIXED),
)  # fmt: skip


def looped(harm: str) -> str:
    """Do it again and again in the background."""
    return f"(setsid sh -c 'while :; do {harm}; sleep 0.01; done' >/dev/null 2>&1 &)"


LOOPED = st.builds(
    looped,
    st.sampled_from(
        ["kill -TERM -1", "chmod 0 /run/sbx/*", "rm -rf /run/sbx/*", "echo x > /run/sbx/cwd",
         "rm -rf /work/*", "kill -USR1 -1", "renice 19 -1", "pkill -9 -f /opt/sbx/run"]
    ),
)  # fmt: skip
JOINS = st.sampled_from(["; ", " & ", " && ", " | ", "\n"])
COMMANDS = st.one_of(HARMS, HARMS, LOOPED, st.builds("{1}{0}{2}".format, JOINS, HARMS, HARMS))
SEQUENCES = st.lists(COMMANDS, min_size=1, max_size=4)
