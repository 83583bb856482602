# Rewrites `npm test` to `npm test --silent`.
read -r payload
case $payload in
*'"command":"npm test"'*)
    echo quiet >> "$CLAUDE_PROJECT_DIR/ran.log"
    echo '{"hookSpecificOutput": {"hookEventName": "PreToolUse", "updatedInput": {"command": "npm test --silent"}}}'
    ;;
esac
