#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A Docker engine for the harness: the one that answers, or one of our own.
#
#   engine.sh up     says how to reach it, for DOCKER_HOST
#   engine.sh base   makes sure that the base image is there
#   engine.sh down   stops what `up` started and removes what it left
#
# Where an engine answers `docker info`, that is used, and `down` does nothing.
# Else Debian's is started by hand, in a folder of its own, without touching the
# firewall, and the base image is made with debootstrap, as nothing can be pulled.
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
readonly here
readonly folder=${FCACHE_DOCKER_DIR:-$here/../build/docker}
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/fcache
readonly base=${BASE:-debian:bookworm-slim}
readonly own=unix://$folder/docker.sock

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

is_own() {
    [ -e "$folder/dockerd.pid" ]
}

need() {
    local missing=() command
    for command in "$@"; do
        command -v "$command" >/dev/null || missing+=("$command")
    done
    [ ${#missing[@]} -eq 0 ] || die "missing: ${missing[*]} (./run setup docker)"
}

# ---- up ----------------------------------------------------------------------

start_engine() {
    local i
    [ "$(id -u)" -eq 0 ] || die "no engine answers, and only root can start one"
    need dockerd docker
    mkdir -p "$folder"
    setsid dockerd --data-root "$folder/data" --exec-root "$folder/exec" \
        -H "$own" --pidfile "$folder/dockerd.pid" --storage-driver overlay2 \
        --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
        --bridge=none >"$folder/dockerd.log" 2>&1 </dev/null &
    for ((i = 0; i < 100; i++)); do
        ! answers "$own" || return 0
        sleep 0.2
    done
    tail -n 20 "$folder/dockerd.log" >&2
    rm -f "$folder/dockerd.pid"
    die "dockerd does not answer"
}

up() {
    if is_own && answers "$own"; then
        echo "$own"
    elif docker info >/dev/null 2>&1; then
        echo "${DOCKER_HOST:-}"
    else
        say "no engine answers: starting one in $folder"
        start_engine
        echo "$own"
    fi
}

# ---- base --------------------------------------------------------------------

mirror() {
    awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources
}

make_rootfs() {
    local root=$1
    debootstrap --variant=minbase bookworm "$root" "$(mirror)" \
        >"$cache/debootstrap.log" || die "see $cache/debootstrap.log"
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    cp /etc/apt/sources.list.d/debian.sources "$root/etc/apt/sources.list.d/"
    : >"$root/etc/apt/sources.list"
    # a mirror of the past is as good as one of today
    printf 'Acquire::Check-Valid-Until "false";\nAcquire::Check-Date "false";\nAcquire::Languages "none";\n' \
        >"$root/etc/apt/apt.conf.d/99local"
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod +x "$root/usr/sbin/policy-rc.d"
}

# The base image as a tar file, made once on this machine.
base_tar() {
    local tar=$cache/bookworm.tar root
    if [ ! -s "$tar" ]; then
        need debootstrap
        mkdir -p "$cache"
        root=$(mktemp -d "$cache/rootfs.XXXXXX")
        say "making the base image with debootstrap"
        make_rootfs "$root"
        tar -C "$root" -cf "$tar.new" .
        mv "$tar.new" "$tar"
        rm -rf --one-file-system "$root"
    fi
    echo "$tar"
}

make_base() {
    local tar
    ! docker image inspect "$base" >/dev/null 2>&1 || return 0
    if ! is_own; then
        docker pull "$base" >&2
        return
    fi
    [ "$base" = debian:bookworm-slim ] ||
        die "cannot pull $base here; without a registry there is only debian:bookworm-slim"
    tar=$(base_tar)
    docker import -c 'CMD ["bash"]' -c 'ENV DEBIAN_FRONTEND=noninteractive' \
        "$tar" "$base" >/dev/null
}

# ---- down --------------------------------------------------------------------

unmount_all() {
    local mount
    while read -r mount; do
        umount "$mount" || umount -l "$mount"
    done < <(awk -v folder="$(readlink -f "$folder")/" \
        'index($2, folder) == 1 { print $2 }' /proc/mounts | sort -r)
}

down() {
    local pid i
    is_own || return 0
    pid=$(cat "$folder/dockerd.pid")
    kill "$pid" 2>/dev/null || say "dockerd had ended already"
    for ((i = 0; i < 100; i++)); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    unmount_all
    rm -rf --one-file-system "$folder"
}

case ${1:-} in
up) up ;;
base) make_base ;;
down) down ;;
*) die "usage: engine.sh up|base|down" ;;
esac
