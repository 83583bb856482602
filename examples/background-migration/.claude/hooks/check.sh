#!/bin/sh
# PostToolUse: looks for blanks at line ends, once for a burst of edits: CPH_BATCH_PATHS has every
# path, one on each line. What it finds is told to the model at the next event.
cat > /dev/null
found=0
while IFS= read -r file; do
    [ -f "$file" ] || continue
    found=$((found + $(grep -c ' $' "$file")))
done <<PATHS
$CPH_BATCH_PATHS
PATHS
[ "$found" -eq 0 ] && exit 0
printf '{"hookSpecificOutput":{"hookEventName":"PostToolUse","additionalContext":"%s"}}\n' \
    "blanks at the end of $found lines"
