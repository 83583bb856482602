#!/bin/sh
# Stop: hands the notes on. One try: when and how often to try again is said in hooks.json, and the
# last failure is told to the session with this line.
cat > /dev/null
cd "$CLAUDE_PROJECT_DIR" || exit 1
cp notes.md "${PUBLISH_TO:?says where to}/" || exit 1
echo "published at attempt $CPH_ATTEMPT"
