# A gate: exit 2 refuses, and what stands on stderr is the reason.
echo guard >> "$CLAUDE_PROJECT_DIR/ran.log"
read -r payload
case $payload in
*'rm -rf'*)
    echo 'no rm -rf here: use git clean' >&2
    exit 2
    ;;
esac
