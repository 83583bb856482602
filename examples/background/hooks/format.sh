#!/bin/sh
# Runs once after a burst of edits, with every path once. (A real one would call a formatter.)
printf '%s\n' "$CPH_BATCH_PATHS" | while read -r path; do
  echo "$path" >> "$CLAUDE_PROJECT_DIR/formatted.txt"
done
