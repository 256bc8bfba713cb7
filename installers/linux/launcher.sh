#!/bin/sh
# An editor's debugger, or anybody else's settings for Node, are not meant for this program.
unset NODE_OPTIONS NODE_PATH
exec /usr/lib/edict/node /usr/lib/edict/app/@entry@ "$@"
