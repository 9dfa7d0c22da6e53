# Outlives the owner of a server, ends the programs that run in the server's directory and removes the directory.
# Arguments: the directory; the name of the marker file in it; "create", or "sweep" for an existing directory.
# Standard input is a pipe whose other end only the owner holds: it closes when the owner ends, for whatever reason.

# PIPE as well, because the owner may end before it has read the answer.
trap '' HUP INT QUIT TERM PIPE
directory=$1 marker=$2

if [ "$3" = create ]; then
    # Created here and not by the owner, so that it never exists without a watchdog.
    mkdir -m 700 "$directory" 2>&1 && : >"$directory/$marker" || exit 1
    echo ready
fi
exec >/dev/null 2>&1
while read -r _; do :; done

[ -f "$directory/$marker" ] || exit 0

# After this no program can be started in the directory (see program.rs): the list of process numbers is complete.
named=${directory%.closed}
if [ "$directory" = "$named" ] && mv "$named" "$named.closed"; then
    directory=$named.closed
fi

# An ended process keeps its number until its parent reaps it; /proc, where it exists, shows that it has ended.
alive() {
    kill -0 "$1" || return
    read -r line <"/proc/$1/stat" || return 0
    case ${line##*) } in Z*) return 1 ;; esac
}

group_alive() {
    kill -0 "-$1"
}

# wait_for TURNS alive|group_alive NUMBER: looks every 20 ms until the process or group has ended.
wait_for() {
    turns=$1
    while "$2" "$3"; do
        [ "$turns" -gt 0 ] || return
        turns=$((turns - 1))
        sleep 0.02 || sleep 1
    done
}

# Another process may have got the number since: only a process that works in our directory is ours.
ours() {
    [ ! -e /proc/self/cwd ] && return
    case $(readlink "/proc/$1/cwd") in "$directory"/*) return 0 ;; esac
    return 1
}

# end NUMBER SIGNAL: sends that signal, then QUIT, then KILL, to the program alone, because its children follow it in good
# order. KILL first would leave shared memory behind. It takes at most one second; four where a turn takes five times as
# long.
end() {
    for signal in "$2" QUIT KILL; do
        kill "-$signal" "$1" || break
        wait_for 15 alive "$1" && break
    done
    wait_for 10 group_alive "$1" || kill -KILL "-$1"
}

for file in "$directory"/run/*.pid; do
    read -r number <"$file" || continue
    case $number in '' | *[!0-9]*) continue ;; esac
    # initdb ignores INT while it tries settings; on TERM the server would wait for its clients.
    case $file in */initdb.pid) ask=TERM ;; *) ask=INT ;; esac
    if ours "$number"; then
        end "$number" "$ask"
    fi
done

# A killed server leaves its shared memory behind, and the key and number of it in the seventh line of this file.
set -- $(sed -n 7p "$directory/data/postmaster.pid")
[ -z "$2" ] || ipcrm -m "$2"

still_there() {
    ! rm -rf "$1"
}
wait_for 50 still_there "$directory"
