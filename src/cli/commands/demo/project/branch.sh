# Context for the model: plain text is enough.
echo branch >> "$CLAUDE_PROJECT_DIR/ran.log"
echo 'On branch main, 2 files changed.'
