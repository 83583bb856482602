# Puts a time limit in front of what the hooks before it have made of the command.
read -r payload
case $payload in
*'"command":"npm test'*)
    echo budget >> "$CLAUDE_PROJECT_DIR/ran.log"
    command=${payload#*'"command":"'}
    command=${command%%'"'*}
    echo '{"hookSpecificOutput": {"hookEventName": "PreToolUse", "updatedInput": {"command": "timeout 60 '"$command"'"}}}'
    ;;
esac
