#!/bin/sh
# The classic: fork, close what the host could wait for, leave. If the work fails, nobody knows; if
# two sessions end at once, it runs twice at the same time; if the machine is busy, it piles up.
payload=$(cat)
(
  exec > /dev/null 2>&1
  printf '%s\n' "$payload" > "${CLAUDE_PROJECT_DIR:-.}/last-stop.json"
) &
exit 0
