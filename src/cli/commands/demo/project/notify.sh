# Stands in both files: under Stop for Claude Code, under TaskComplete for the orchestrator.
echo notify >> "$CLAUDE_PROJECT_DIR/ran.log"
