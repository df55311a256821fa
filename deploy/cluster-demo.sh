#!/usr/bin/env bash
# A cluster on one machine: PostgreSQL with a standby that every commit waits for, and three nodes. Ctrl-C ends all of it
# and removes its folder. `./run --cluster-demo` calls this with the program.
#   deploy/cluster-demo.sh TOLLGATE [PORT]      the nodes listen at PORT, PORT + 1 and PORT + 2 of loopback (8081)
set -euo pipefail

tollgate=$1
blueprints=$(cd "$(dirname "${BASH_SOURCE[0]}")/../tenants" && pwd)
port=${2:-8081}
seconds_max=60
folder=$(mktemp -d "${TMPDIR:-/tmp}/tollgate-cluster.XXXXXX")
servers=()
nodes=()
# PostgreSQL refuses to be root's.
as_postgres=()
# All are in sessions of their own: a terminal's Ctrl-C reaches this script alone, which ends them in order.

say() { printf '%s\n' "$*"; }
fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# end SIGNAL PROCESS…: the signal to all of them, and SIGKILL to those that are there 20 s later.
end() {
    local signal=$1 process
    shift
    for process in "$@"; do kill -"$signal" "$process" 2>/dev/null || true; done
    for _ in $(seq 200); do
        for process in "$@"; do
            if kill -0 "$process" 2>/dev/null; then
                sleep 0.1
                continue 2
            fi
        done
        return 0
    done
    for process in "$@"; do kill -KILL "$process" 2>/dev/null || true; done
}

finish() {
    trap - EXIT
    # Pressed twice, it still ends in order.
    trap '' INT TERM
    # The nodes first: they bring their files home, and leave in order.
    for node in "${nodes[@]}"; do kill -CONT "$node" 2>/dev/null || true; done
    end TERM "${nodes[@]}"
    end INT "${servers[@]}"
    rm -rf "$folder"
}

# wait_for PROCESS LOG TEXT WHAT: until the log has the text, for as long as the process is there.
wait_for() {
    local process=$1
    shift
    for _ in $(seq $((seconds_max * 10))); do
        if grep -q -- "$2" "$1" 2>/dev/null; then return; fi
        kill -0 "$process" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 20 "$1" >&2
    fail "$3 does not start; above is the end of its log."
}

find_postgres() {
    local found
    found=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
    if [ -z "$found" ]; then found=$(command -v initdb || true); fi
    if [ -z "$found" ]; then fail "A cluster needs PostgreSQL 15 or later: apt-get install postgresql"; fi
    dirname "$found"
}

# free_port PORT: that one, or the next at which nobody listens.
free_port() {
    local at=$1
    while (exec 3<>"/dev/tcp/127.0.0.1/$at") 2>/dev/null; do at=$((at + 1)); done
    printf '%s\n' "$at"
}

# start_postgres NAME PORT: its own process alone, its log in the folder.
start_postgres() {
    setsid "${as_postgres[@]}" "$bin/postgres" -D "$folder/$1" -c port="$2" -c listen_addresses=127.0.0.1 \
        -c unix_socket_directories= -c shared_buffers=32MB -c log_destination=stderr >"$folder/$1.log" 2>&1 </dev/null &
    servers+=($!)
    wait_for $! "$folder/$1.log" 'ready to accept' "PostgreSQL ($1)"
}

# start_node NAME PORT [OPTION…]
start_node() {
    local name=$1 at=$2
    shift 2
    mkdir -p -m 700 "$folder/$name"
    if [ -f "$folder/a/master.key" ] && [ "$name" != a ]; then cp -p "$folder/a/master.key" "$folder/$name/"; fi
    TOLLGATE_CLUSTER=$url setsid "$tollgate" serve --data "$folder/$name" --port "$at" --node "$name" \
        --advertise "127.0.0.1:$at" --blueprints "$blueprints" "$@" >"$folder/$name.log" 2>&1 </dev/null &
    nodes+=($!)
    wait_for $! "$folder/$name.log" '^listening on' "Node $name"
}

bin=$(find_postgres)
# Before anything is started: whatever ends this script ends that too.
trap finish EXIT
trap 'exit 0' INT TERM
if [ "$(id -u)" -eq 0 ]; then
    id postgres >/dev/null 2>&1 || fail "As root this needs the user postgres: apt-get install postgresql"
    as_postgres=(setpriv --reuid=postgres --regid=postgres --clear-groups)
    # In a chroot that root alone may enter, the server may as well.
    if [ $(($(stat -c 0%a /) & 1)) -eq 0 ]; then
        as_postgres+=(--inh-caps=+dac_override --ambient-caps=+dac_override --securebits=+no_setuid_fixup)
    fi
    chmod 711 "$folder"
fi
for name in primary standby; do
    mkdir -m 700 "$folder/$name"
    if [ ${#as_postgres[@]} -gt 0 ]; then chown postgres: "$folder/$name"; fi
done

first=$(free_port $((port + 10)))
second=$(free_port $((first + 1)))
"${as_postgres[@]}" "$bin/initdb" -D "$folder/primary" -U tollgate -A trust -E UTF8 --locale=C --no-sync >/dev/null
start_postgres primary "$first"
"${as_postgres[@]}" "$bin/pg_basebackup" -d "host=127.0.0.1 port=$first user=tollgate application_name=standby" \
    -D "$folder/standby" -R -X stream -c fast --no-sync
start_postgres standby "$second"
"$bin/psql" -Xqd "postgresql://tollgate@127.0.0.1:$first/postgres" \
    -c "ALTER SYSTEM SET synchronous_standby_names = 'standby'" -c 'SELECT pg_reload_conf()' >/dev/null
url="postgresql://tollgate@127.0.0.1:$first,127.0.0.1:$second/postgres"

start_node a "$port" --demo
start_node b $((port + 1))
start_node c $((port + 2))

# What the first node says of its tenants and logins.
sed -n '/^  tenant /,$p' "$folder/a.log"
cat <<TEXT

  node       address                         process   log
  a          http://127.0.0.1:$port           ${nodes[0]}     $folder/a.log
  b          http://127.0.0.1:$((port + 1))           ${nodes[1]}     $folder/b.log
  c          http://127.0.0.1:$((port + 2))           ${nodes[2]}     $folder/c.log

  Any node takes any request: use the addresses above with another node's port.
  Which node has how many tenants; one moves to another node; all of a node's do, then it may be stopped:

  $tollgate node list --data $folder/b
  $tollgate tenant move hosting --node b --data $folder/b
  $tollgate node drain a --data $folder/b

  A killed node's tenants are served by the others within seconds; what a frozen one does late is not kept:

  kill -9 ${nodes[0]}
  kill -STOP ${nodes[1]}; sleep 6; kill -CONT ${nodes[1]}

  Ctrl-C ends all of it.
TEXT
# Some of them may be killed: that is what they are here for.
wait || true
