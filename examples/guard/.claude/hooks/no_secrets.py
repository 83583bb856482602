#!/usr/bin/env python3
"""Keeps the agent away from files that hold secrets: denies keys, asks for the rest."""

import json
import sys
from pathlib import PurePosixPath

DENIED = ("*.pem", "*.key", "id_*")
ASKED = (".env", ".env.*", "*credentials*")


def verdict(path):
    def is_any(patterns):
        return any(path.match(pattern) for pattern in patterns)

    if is_any(DENIED):
        return "deny", "%s holds a key: no agent needs it" % path.name
    if is_any(ASKED):
        return "ask", "%s may hold secrets" % path.name
    return None


payload = json.load(sys.stdin)
found = verdict(PurePosixPath(payload["tool_input"].get("file_path", "")))
if found:
    answer = {
        "hookEventName": payload["hook_event_name"],
        "permissionDecision": found[0],
        "permissionDecisionReason": found[1],
    }
    json.dump({"hookSpecificOutput": answer}, sys.stdout)
