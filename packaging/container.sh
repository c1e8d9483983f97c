#!/bin/sh
# What the container begins with. Hosts mount volumes as root's: the folder of the records is given to the user arise,
# and everything else is done as that user, without a way back. `docker run --user` skips this.
set -eu
if [ "$(id -u)" = 0 ]; then
    data=${ARISE_DATA:-/data}
    mkdir -p "$data"
    [ "$(stat -c %U "$data")" = arise ] || chown -R arise:arise "$data"
    exec setpriv --reuid=arise --regid=arise --init-groups --inh-caps=-all --bounding-set=-all --no-new-privs \
        arise "$@"
fi
exec arise "$@"
