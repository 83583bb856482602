#!/bin/sh
# PostToolUse: notes that something was committed. `if` in hooks.json sees to it that it runs for
# nothing else.
cat > /dev/null
cd "$CLAUDE_PROJECT_DIR" || exit 1
echo "a commit, told by job $CPH_JOB_ID" >> commits.log
