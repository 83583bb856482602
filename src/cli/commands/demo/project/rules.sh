# Context from the orchestrator's hook file.
echo rules >> "$CLAUDE_PROJECT_DIR/ran.log"
echo 'House rule: every change has a test.'
