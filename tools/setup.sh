#!/usr/bin/env bash
# Makes .venv and installs the course into it, once: `tools/setup.sh study` as a student needs it, `author` adds what
# the tests need. A stamp in .venv says what was installed, so that a second call ends at once; an interrupted one leaves none.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/.."

wanted=${1:-study}
log=.venv/pip.log

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# The folder counts too: a virtual environment does not survive being moved.
state() {
    printf '%s\n' "$PWD"
    cksum pyproject.toml constraints.txt tools/setup.sh
}

is_installed() {
    local stamp=.venv/.installed-$1
    [ -x .venv/bin/python ] && [ -f "$stamp" ] && [ "$(<"$stamp")" = "$(state)" ]
}

# Prints "3.12 Linux x86_64".
probe() {
    "$1" -c 'import sys, platform
print("%d.%d" % sys.version_info[:2], platform.system(), platform.machine())' 2>/dev/null
}

# Says in `problem` why Python $1, which answered $2 to the probe, will not do; empty where it will.
judge() {
    problem=
    case "${2#* }" in
        "Linux x86_64" | "Darwin arm64") ;;
        "Darwin x86_64") problem="Paddle has no wheel for Intel macOS, and $1 is an Intel build" ;;
        *) problem="Paddle has no wheel for ${2#* }" ;;
    esac
    [ -z "$problem" ] || { problem="$problem: use Linux x86-64, macOS arm64 or Windows x64 (README, Install)."; return; }
    case "${2%% *}" in
        3.10 | 3.11 | 3.12 | 3.13) ;;
        *) problem="The course needs Python 3.10, 3.11, 3.12 or 3.13 and $1 is Python ${2%% *}: install one of those, then run this again."; return ;;
    esac
    "$1" -c 'import venv, ensurepip' 2>/dev/null ||
        problem="$1 has no venv module: install it (Debian, Ubuntu: sudo apt install python${2%% *}-venv), then run this again."
}

# Sets `python` to the first that will do; $PYTHON, where set, is the only one asked.
find_python() {
    local candidate answer first=
    local candidates=(python3.13 python3.12 python3.11 python3.10 python3 python)
    [ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
    for candidate in "${candidates[@]}"; do
        answer=$(probe "$candidate") || continue
        judge "$candidate" "$answer"
        [ -n "$problem" ] || { python=$candidate; return; }
        first=${first:-$problem}
    done
    fail "${first:-No Python was found (${candidates[*]}): install Python 3.10, 3.11, 3.12 or 3.13, then run this again.}"
}

make_venv() {
    local answer
    if answer=$(probe .venv/bin/python) && .venv/bin/python -m pip --version >/dev/null 2>&1; then
        judge .venv/bin/python "$answer"
        [ -z "$problem" ] || fail "$problem (To start afresh, remove the folder .venv.)"
        return
    fi
    find_python
    printf 'Making .venv with %s, and installing Paddle, JupyterLab and what they need: some minutes, once.\n' "$python"
    "$python" -m venv --clear .venv >/dev/null 2>&1 ||
        fail "The folder .venv could not be made in $PWD: see that the folder can be written to and that the disk is not full."
}

# Paddle's two builds fill the same package: where the GPU build was put into .venv by hand, it stays.
paddle_extra() {
    local gpu=(.venv/lib/python3.*/site-packages/paddlepaddle_gpu-*.dist-info)
    if [ -d "${gpu[0]}" ]; then echo gpu; else echo cpu; fi
}

# Keeps the whole of pip's output in the log and, in a terminal, shows on one line what is being fetched.
show_progress() {
    local line
    while IFS= read -r line; do
        printf '%s\n' "$line" >&3
        [ -t 1 ] || continue
        case "$line" in
            *Downloading* | Installing* | *"Preparing"*) printf '\r\033[K%s' "${line:0:76}" ;;
        esac
    done 3>"$log"
    [ ! -t 1 ] || printf '\r\033[K'
}

explain_failure() {
    case "$(<"$log")" in
        *"No space left on device"*)
            fail "The disk is full: free about 2 GB, then run this again (pip's log: $log)." ;;
        *"Retrying ("* | *"Failed to establish a new connection"* | *"Could not fetch URL"* | *"timed out"* | *"Connection reset"*)
            fail "pip could not reach the package index: connect to the network, then run this again (pip's log: $log)." ;;
        *)
            fail "pip could not install the course: the end of $log says why." ;;
    esac
}

case "$wanted" in
    study) extras='' ;;
    author) extras=,author ;;
    *) fail "'$wanted' is not known: use tools/setup.sh study or tools/setup.sh author" ;;
esac

if is_installed author || is_installed "$wanted"; then exit 0; fi
make_venv
rm -f .venv/.installed-*
.venv/bin/python -m pip install --disable-pip-version-check --no-input --progress-bar off \
    -c constraints.txt -e ".[$(paddle_extra)$extras]" 2>&1 | show_progress || explain_failure
state >".venv/.installed-$wanted"
