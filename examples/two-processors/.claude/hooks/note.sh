#!/bin/sh
# Adds a line to ended.log: who came to an end, told by whom.
cat > /dev/null
cd "$CLAUDE_PROJECT_DIR" || exit 1
printf '%s of %s, task %s\n' "$CPH_EVENT" "$CPH_FIRED_BY" "${TASK_ID:-none}" >> ended.log
