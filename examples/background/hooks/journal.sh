#!/bin/sh
# After branch.sh, in the background: reads what that one printed under cph.previous.
cat >> "$CLAUDE_PROJECT_DIR/journal.jsonl"
