#!/bin/sh
# PostToolUse: looks for blanks at line ends, once for many edits. Files of a burst get lost: only
# the one whose hook got the lock is looked at.
file=$(sed -n 's/.*"file_path" *: *"\([^"]*\)".*/\1/p')
case $file in *.md) ;; *) exit 0 ;; esac
cd "$CLAUDE_PROJECT_DIR" || exit 0
(
    mkdir .check.lock || exit 0
    sleep 2
    grep -n ' $' "$file" >> blanks.log
    rmdir .check.lock
) > /dev/null 2>&1 &
exit 0
