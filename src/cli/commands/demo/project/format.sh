# An observer: says nothing.
echo format >> "$CLAUDE_PROJECT_DIR/ran.log"
