#!/bin/sh
# Comes after `syntax`, reads what that printed in cph.previous, and tells the model.
said=$(sed -n 's/.*"previous" *: *{ *"syntax" *: *"\([^"]*\)".*/\1/p')
said=${said%\\n}
[ -n "$said" ] || exit 0
printf '{"hookSpecificOutput":{"hookEventName":"PostToolUse","additionalContext":"%s"}}\n' "$said"
