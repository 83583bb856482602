#!/bin/sh
# Refuses while a file FREEZE lies in the project; its text is the reason.
cat > /dev/null
cd "$CLAUDE_PROJECT_DIR" || exit 1
[ -e FREEZE ] || exit 0
printf 'freeze: ' >&2
cat FREEZE >&2
exit 2
