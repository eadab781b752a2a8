# shellcheck shell=sh disable=SC2094 # the log is only appended to
#
# Keeps one throwaway Postgres server and its folder, for as long as whoever
# started it lives. Run as: sh -c THIS keeper BINDIR FOLDER SUPERUSER
#
# Orders come as lines on stdin; each is answered with its exit status. When
# stdin ends, because its owner closed it, panicked or was killed in whatever
# way, the server is stopped and the folder removed. Nothing else is needed for
# that: no signal handler, no file of process ids to go stale.
bindir=$1 folder=$2 superuser=$3
umask 077

# The owner may be gone when an answer is written: that must not end the keeper.
trap '' PIPE
# Asked to go (a system that shuts down, say), it leaves nothing behind either.
trap : HUP INT TERM

ctl() { "$bindir/pg_ctl" --silent -D "$folder/data" -w -t 60 "$@"; }

while read -r order argument; do
    case $order in
    # --no-sync: the data need not outlive a crash, only the run.
    init) "$bindir/initdb" --no-sync -D "$folder/data" -U "$superuser" -A trust \
        -E UTF8 --locale=C ;;
    copy) cp -R "$argument" "$folder/data" ;;
    start) ctl -l "$folder/log" start ;;
    stop) ctl -m "$argument" stop ;;
    esac </dev/null >>"$folder/log" 2>&1
    echo "$?"
done 2>/dev/null

ctl -m immediate stop </dev/null >/dev/null 2>&1
rm -rf "$folder"
