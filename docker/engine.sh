#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A Docker engine for the harness: the one that answers, or one of our own.
#
#   engine.sh up     says how to reach it, for DOCKER_HOST
#   engine.sh own    is there one that `up` started, and nobody ended?
#   engine.sh base   makes sure that the base image is there
#   engine.sh down   stops what `up` started with all that runs in it, and fails if
#                    the host is not as it was before
#
# Where an engine answers `docker info`, that is used, and `down` does nothing.
# Else Debian's is started by hand, in a folder of its own, without touching the
# firewall. A base image that cannot be pulled is made with debootstrap.
set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
readonly here
folder=$(realpath -m "${FCACHE_DOCKER_DIR:-$here/../build}/docker-engine")
readonly folder
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/fcache
readonly base=debian:bookworm-slim
readonly socket=$folder/docker.sock
readonly own=unix://$socket

say() {
    printf 'engine: %s\n' "$*" >&2
}

die() {
    say "$*"
    exit 1
}

answers() {
    docker -H "$1" info >/dev/null 2>&1
}

# What the host was like before is there from before the start to after the end.
is_own() {
    [ -s "$folder/before" ]
}

# The pid of our dockerd, if it lives: a file may name what has come after it.
own_pid() {
    local pid
    pid=$(cat "$folder/dockerd.pid" 2>/dev/null) &&
        tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "dockerd --data-root $folder/" &&
        echo "$pid"
}

need() {
    local missing=() command
    for command in "$@"; do
        command -v "$command" >/dev/null || missing+=("$command")
    done
    [ ${#missing[@]} -eq 0 ] || die "missing: ${missing[*]} (./run setup docker)"
}

# ---- the host ----------------------------------------------------------------

# What an engine could leave, a line each: KIND WHAT.
host_state() {
    {
        printf 'link %s\n' /sys/class/net/*
        sed 's/^/mount /' /proc/self/mounts
        {
            iptables-save
            ip6tables-save
        } 2>&1 | sed '/^#/d; s/\[.*//; s/^/firewall /' || :
        sed 's/^/forward /' /proc/sys/net/ipv4/ip_forward
        find /sys/fs/cgroup -type d -path '*docker*' -printf 'path %p\n' || :
        find /etc/docker /run/docker /run/containerd /opt/containerd \
            '(' -type d -o -name key.json ')' -printf 'path %p\n' 2>/dev/null || :
        grep -Ex '(dockerd|containerd|containerd-shim|docker-proxy|runc)' \
            /proc/[0-9]*/comm 2>/dev/null | sed 's/^/process /' || :
    } | LC_ALL=C sort
}

# Folders that were not there before and are empty, and the engine's key.
remove_paths() {
    local path
    LC_ALL=C comm -13 <(echo "$1") <(host_state) | sed -n 's/^path //p' |
        sort -r | while read -r path; do
        if [ -d "$path" ]; then rmdir "$path" || :; else rm -f "$path"; fi
    done
}

# ---- up ----------------------------------------------------------------------

has_cgroups() {
    grep -qE ' cgroup2? '
}

# Storage is overlay2, or whatever the file system below can do, vfs at last.
# Where there is no init, nobody mounts cgroups.
# One that was killed is started where it was, to clean up what it had started.
start_engine() {
    local i pid
    [ "$(id -u)" -eq 0 ] || die "no engine answers, and only root can start one"
    [ ${#socket} -lt 90 ] ||
        die "$folder is too long a path for sockets (see FCACHE_DOCKER_DIR)"
    need dockerd docker iptables-save ip6tables-save
    mkdir -p "$folder"
    is_own || host_state >"$folder/before"
    own_pid >/dev/null || rm -f "$folder/dockerd.pid"
    has_cgroups </proc/self/mounts || mount -t cgroup2 cgroup2 /sys/fs/cgroup
    setsid dockerd --data-root "$folder/data" --exec-root "$folder/exec" \
        -H "$own" --pidfile "$folder/dockerd.pid" \
        --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
        --bridge=none >"$folder/dockerd.log" 2>&1 </dev/null &
    pid=$!
    for ((i = 0; i < 300; i++)); do
        ! answers "$own" || return 0
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.2
    done
    grep -v level=info "$folder/dockerd.log" | tail -n 20 >&2
    kill "$pid" 2>/dev/null || :
    say "dockerd cannot be started here; its last words are above"
    return 1
}

up() {
    if is_own && answers "$own"; then
        echo "$own"
    elif docker info >/dev/null 2>&1; then
        echo "${DOCKER_HOST:-}"
    else
        say "no engine answers: starting one in $folder (until ./run docker down)"
        start_engine || die "no engine"
        echo "$own"
    fi
}

# ---- base --------------------------------------------------------------------

# This machine's, if it is a Debian that says so in the new way.
readonly sources=/etc/apt/sources.list.d/debian.sources

mirror() {
    awk '/^URIs:/ { print $2; found = 1; exit }
        END { if (!found) print "http://deb.debian.org/debian" }' \
        "$sources" 2>/dev/null || echo http://deb.debian.org/debian
}

make_rootfs() {
    local root=$1
    debootstrap --variant=minbase bookworm "$root" "$(mirror)" \
        >"$cache/debootstrap.log" || die "see $cache/debootstrap.log"
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    if grep -q bookworm "$sources" 2>/dev/null; then
        cp "$sources" "$root/etc/apt/sources.list.d/"
        : >"$root/etc/apt/sources.list"
    fi
    # a mirror of the past is as good as one of today
    printf 'Acquire::Check-Valid-Until "false";\nAcquire::Check-Date "false";\nAcquire::Languages "none";\n' \
        >"$root/etc/apt/apt.conf.d/99local"
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod +x "$root/usr/sbin/policy-rc.d"
}

# The base image as a tar file, made once on this machine. In a subshell.
base_tar() {
    local tar=$cache/bookworm.tar root
    if [ ! -s "$tar" ]; then
        need debootstrap
        mkdir -p "$cache"
        root=$(mktemp -d "$cache/rootfs.XXXXXX")
        # shellcheck disable=SC2064 # the folder that it is now
        trap "rm -rf --one-file-system '$root' '$tar.new'" EXIT
        say "making the base image with debootstrap"
        make_rootfs "$root"
        tar -C "$root" -cf "$tar.new" .
        mv "$tar.new" "$tar"
    fi
    echo "$tar"
}

make_base() {
    local tar
    ! docker image inspect "$base" >/dev/null 2>&1 || return 0
    ! timeout 120 docker pull "$base" >&2 || return 0
    tar=$(base_tar)
    docker import -c 'CMD ["bash"]' -c 'ENV DEBIAN_FRONTEND=noninteractive' \
        "$tar" "$base" >/dev/null
}

# ---- down --------------------------------------------------------------------

end_containers() {
    docker -H "$own" ps -aq | xargs -r docker -H "$own" rm -f >/dev/null
    docker -H "$own" network prune -f >/dev/null
}

end_engine() {
    local pid i signal
    for signal in TERM KILL; do
        pid=$(own_pid) || return 0
        kill -"$signal" "$pid"
        for ((i = 0; i < 300; i++)); do
            own_pid >/dev/null || return 0
            sleep 0.1
        done
    done
}

unmount_all() {
    local mount
    while read -r mount; do
        umount "$mount" || umount -l "$mount"
    done < <(awk -v folder="$folder/" \
        'index($2, folder) == 1 { print $2 }' /proc/mounts | sort -r)
}

down() {
    local before
    is_own || return 0
    before=$(cat "$folder/before")
    if answers "$own" || start_engine; then
        end_containers || say "not all containers could be ended"
    fi
    end_engine
    unmount_all
    rm -rf --one-file-system "$folder"
    remove_paths "$before"
    has_cgroups <<<"$before" || umount /sys/fs/cgroup
    diff <(echo "$before") <(host_state) >&2 ||
        die "the host is not as it was before (see above)"
    say "the host is as before: links, mounts, firewall, forwarding, cgroups, processes"
}

case ${1:-} in
up) up ;;
own) is_own ;;
base) make_base ;;
down) down ;;
*) die "usage: engine.sh up|own|base|down" ;;
esac
