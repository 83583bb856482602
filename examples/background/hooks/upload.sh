#!/bin/sh
# Fails the first time, as networks do. CPH_JOB_ID is the same in every run: whoever is at the other
# end can tell that it is the same upload.
[ "$CPH_ATTEMPT" -gt 1 ] || { echo "no network" >&2; exit 1; }
echo "$CPH_JOB_ID" >> "$CLAUDE_PROJECT_DIR/uploaded.txt"
