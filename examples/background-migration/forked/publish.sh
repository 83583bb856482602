#!/bin/sh
# Stop: hands the notes on. Tries three times, in a process that ends with a headless session.
cat > /dev/null
cd "$CLAUDE_PROJECT_DIR" || exit 0
(
    for _ in 1 2 3; do
        cp notes.md "$PUBLISH_TO/" && break
        sleep 5
    done
) > /dev/null 2>&1 &
exit 0
