# Outlives the program that owns a server, ends what runs in the server's directory and removes it.
# Arguments: the directory; the name of the marker file in it; "create", or "sweep" for a directory that is there.
# Standard input is a pipe whose other end only the owner holds: its end is the owner's end, however that came about.

# PIPE as well: the owner may be gone before it has read the answer.
trap '' HUP INT QUIT TERM PIPE
directory=$1 marker=$2

if [ "$3" = create ]; then
    # Made here and not by the owner, so that there is no moment at which it exists and nobody watches.
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

# A process that has ended but that nobody has collected still has a number; /proc tells the two apart where it exists.
alive() {
    kill -0 "$1" || return
    read -r line <"/proc/$1/stat" || return 0
    case ${line##*) } in Z*) return 1 ;; esac
}

group_alive() {
    kill -0 "-$1"
}

# Looks every 20 ms, at most so many times, until a process or group has ended.
wait_for() {
    turns=$1
    while "$2" "$3"; do
        [ "$turns" -gt 0 ] || return
        turns=$((turns - 1))
        sleep 0.02 || sleep 1
    done
}

# The number may have been given to somebody else: only a process that works in our directory is ours.
ours() {
    [ ! -e /proc/self/cwd ] && return
    case $(readlink "/proc/$1/cwd") in "$directory"/*) return 0 ;; esac
    return 1
}

# Asks (with the signal given), then insists, then kills. Only the program itself: what it has started follows it in
# good order. Killing first would leave shared memory behind. All in all one second; four where a turn takes five times
# as long.
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
    # initdb is deaf to INT while it tries settings; to the server TERM would mean to wait for its clients.
    case $file in */initdb.pid) ask=TERM ;; *) ask=INT ;; esac
    if ours "$number"; then
        end "$number" "$ask"
    fi
done

# A server that was killed has left its piece of shared memory, and its key and number in the seventh line of this file.
set -- $(sed -n 7p "$directory/data/postmaster.pid")
[ -z "$2" ] || ipcrm -m "$2"

still_there() {
    ! rm -rf "$1"
}
wait_for 50 still_there "$directory"
