#!/bin/sh
# An editor's debugger, or anybody else's settings for Node, are not meant for this program.
unset NODE_OPTIONS NODE_PATH
# Small at rest: a nursery of 4 MB instead of 16, a collector that the resting agent may call (src/lib/rest.ts), two arenas
# instead of one a thread, and big buffers that go back to the system when they are freed (mallopt(3)).
export MALLOC_MMAP_THRESHOLD_=131072 MALLOC_ARENA_MAX=2
exec /usr/lib/edict/node --max-semi-space-size=4 --expose-gc /usr/lib/edict/app/@entry@ "$@"
