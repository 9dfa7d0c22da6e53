# Outlives the owner of a server, ends the programs that run in the server's directory and removes the directory. It runs as
# the server's user, so it can do no harm that this user could not do, whatever a process of this user puts there.
# Arguments: the directory; the name of the marker file in it; "create", or for an existing directory "sweep", which removes
# it, or "clear", which empties its folders.
# Standard input is a pipe whose other end only the owner holds: it closes when the owner ends, for whatever reason.

# PIPE as well, because the owner may end at any moment.
trap '' HUP INT QUIT TERM PIPE
directory=$1 marker=$1/$2

if [ "$3" = create ]; then
    # Created here and not by the owner, so that it never exists without a watchdog.
    mkdir -m 700 "$directory" || exit 1
    mkdir -m 700 "$directory/run" "$directory/data" && : >"$marker" || { rm -rf "$directory"; exit 1; }
    # The owner's only line says that it has locked the marker. A marker with this line but without a lock has lost its owner.
    read -r line && echo "$line" >"$marker"
    exec 2>/dev/null
    while read -r _; do :; done
else
    [ -f "$marker" ] || exit 0
fi

# Prints the numbers of the server's programs that work in the directory. A user's shell there is none of them: it has another
# name, leads a process group and has a terminal.
programs() {
    if [ ! -e /proc/self/cwd ]; then
        # Only the server itself can be found. Its number is negative while it sets up its files.
        read -r number <"$directory/data/postmaster.pid" && kill -0 "${number#-}" && echo "${number#-}"
        return
    fi
    ls -l /proc/[0-9]*/cwd | while read -r line; do
        case $line in *" -> $directory/"*) ;; *) continue ;; esac
        number=${line%%/cwd -> *}
        number=${number##*/}
        read -r line <"/proc/$number/stat" || continue
        set -- ${line##*) }
        case ${line%)*} in
        *postgres* | *initdb* | *tar) echo "$number" ;;
        *) [ "$3" = "$number" ] && [ "$5" != 0 ] || echo "$number" ;;
        esac
    done
}

# Prints the shared memory that processes use: the paths of files, and the numbers of System V segments.
shared_memory() {
    {
        cat $(printf '/proc/%s/maps ' "$@")
        # A file that is not yet mapped is open.
        ls -l $(printf '/proc/%s/fd ' "$@")
    } | sed -n -e 's|.* \(/dev/shm/PostgreSQL\.[0-9]*\).*|\1|p' -e 's|.* \([0-9][0-9]*\) */SYSV.*|\1|p' | sort -u
}

pause() {
    sleep 0.02 || sleep 1
}

# Whether these processes have stopped or ended.
stopped() {
    for number; do
        read -r line <"/proc/$number/stat" || continue
        case ${line##*) } in [TtZX]*) ;; *) return 1 ;; esac
    done
}

# Ends the programs by KILL, which a stopped or hanging process obeys too. A killed program leaves its shared memory behind;
# so all programs are stopped first, and what they use then is removed. Until all have stopped, none is killed: the program
# that initdb feeds would abort. A program that stops while it removes its memory no longer shows it, so each is also looked at
# before it is stopped.
end_programs() {
    turns=100 before='' memory=''
    while found=$(programs) && [ -n "$found" ] && [ "$turns" -gt 0 ]; do
        turns=$((turns - 1))
        signal=STOP
        if stopped $found && [ "$found" = "$before" ] || [ "$turns" -lt 20 ]; then
            signal=KILL
        fi
        before=$found
        memory="$memory $(shared_memory $found)"
        kill "-$signal" $found
        pause
    done
    for segment in $memory; do
        case $segment in
        /*) rm -f "$segment" ;;
        *) ipcrm -m "$segment" ;;
        esac
    done
    # A server that ended by itself may have left a segment, and the number of it in the seventh line of this file. The file
    # may be old, and the number that of a segment in use: a segment of ours has no process left.
    left=$(sed -n '7s/.* //p' "$directory/data/postmaster.pid")
    while read -r _ segment _ _ _ _ attached _; do
        [ "$segment" = "$left" ] && [ "$attached" = 0 ] && ipcrm -m "$segment"
    done </proc/sysvipc/shm
}

end_programs
if [ "$3" = clear ]; then
    rm -rf "$directory/run" "$directory/data"
    mkdir -m 700 "$directory/run" "$directory/data"
    exit
fi

# After this no program can be started in the directory, because the folder in which it starts no longer exists under that
# name. A program that the owner's last act has started may be there. The renaming comes second, because a program that sets
# up its files aborts when their folder has another name.
named=${directory%.closed}
if [ "$directory" = "$named" ] && mv "$named" "$named.closed"; then
    directory=$named.closed
    end_programs
fi
turns=50
while ! rm -rf "$directory" && [ "$turns" -gt 0 ]; do
    turns=$((turns - 1))
    pause
done
