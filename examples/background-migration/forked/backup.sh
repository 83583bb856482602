#!/bin/sh
# Stop: keeps a copy of the notes. Nobody hears of a full disk; a second Stop runs at the same time.
cat > /dev/null
cd "$CLAUDE_PROJECT_DIR" || exit 0
(
    mkdir -p .backups
    cp notes.md ".backups/notes.$(date +%s).md"
) > /dev/null 2>&1 &
exit 0
