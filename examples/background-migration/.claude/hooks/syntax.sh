#!/bin/sh
# PostToolUse: what the shell says of a script that was edited, for those that come after.
file=$(sed -n 's/.*"file_path" *: *"\([^"]*\)".*/\1/p')
[ -f "$file" ] || exit 0
sh -n "$file" 2>&1 | head -n 1 | tr -d '"\\'
