#!/bin/sh
# Stop: keeps a copy of the notes. Named by the job, so that a second run of it makes no second copy.
cat > /dev/null
cd "$CLAUDE_PROJECT_DIR" || exit 1
mkdir -p .backups && cp notes.md ".backups/notes.$CPH_JOB_ID.md"
