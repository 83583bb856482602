#!/usr/bin/env python3
"""Fires a task orchestrator's events through cph. Copy this file; it needs Python 3.8 and nothing else.

    from orchestrator_client import Client, Refused

    cph = Client("/home/me/shop", session_id="run-42", fail_closed=True)
    cph.heartbeat()
    try:
        answer = cph.gate("PreTaskExecute", task_id="17", task_type="fix", task_input={"prompt": "..."})
    except Refused as refusal:
        print("not started:", refusal)
    else:
        task_input = answer.updated_input or {"prompt": "..."}

The contract is docs/orchestrator.md.
"""

import json
import os
import subprocess
import sys
import tempfile
from datetime import datetime, timezone

CONTRACT_VERSION = 1
STATE_VERSION = 1


class DispatchFailed(Exception):
    """cph could not answer: it is missing, out of time, or broken. Never a refusal."""


class Refused(Exception):
    """A hook refuses. `answer` has everything that was said."""

    def __init__(self, answer):
        super().__init__(answer.reason or "refused by a hook")
        self.answer = answer


class Answer:
    """What all hooks together say; false when they say nothing."""

    def __init__(self, said=None, refusal=None, stderr=""):
        self.said = said or {}
        self.stderr = stderr
        self._refusal = refusal
        self._specific = self.said.get("hookSpecificOutput") or {}

    def __bool__(self):
        return bool(self.said) or self._refusal is not None

    @property
    def stopped(self):
        """The run is to end."""
        return self.said.get("continue") is False

    @property
    def decision(self):
        """`deny`, `defer`, `ask`, `allow`, or None."""
        if self._refusal is not None or self.said.get("decision") == "block":
            return "deny"
        return self._specific.get("permissionDecision")

    @property
    def refused(self):
        return self.stopped or self.decision == "deny"

    @property
    def reason(self):
        texts = [
            self._refusal,
            self.said.get("stopReason") if self.stopped else None,
            self.said.get("reason"),
            self._specific.get("permissionDecisionReason"),
        ]
        return next((text for text in texts if text), None)

    @property
    def updated_input(self):
        """Takes the place of the whole `task_input`, unless it is None."""
        return self._specific.get("updatedInput")

    @property
    def context(self):
        """For the model."""
        return self._specific.get("additionalContext")

    @property
    def message(self):
        """For the user."""
        return self.said.get("systemMessage")


class Client:
    """One run of an orchestrator in one project.

    `timeout` is in seconds, for one event. With `fail_closed` a call that fails counts as refused
    in `gate`; otherwise it raises `DispatchFailed`, and going on is your decision.
    """

    def __init__(self, project, session_id, command=("cph",), timeout=60, fail_closed=False, env=None, arguments=()):
        self.project = os.path.abspath(project)
        self.session_id = session_id
        self.command = list(command)
        self.timeout = int(timeout)
        self.fail_closed = fail_closed
        self.arguments = list(arguments)
        # Handed on whole: CPH_DEPTH and CPH_INSIDE in it keep hooks from starting each other for ever.
        self.env = dict(os.environ if env is None else env, CLAUDE_PROJECT_DIR=self.project)

    def fire(self, event, **fields):
        """Tells an event and returns the `Answer`; raises `DispatchFailed` when there is none."""
        payload = {
            "contract_version": CONTRACT_VERSION,
            "hook_event_name": event,
            "session_id": self.session_id,
            "cwd": self.project,
        }
        payload.update(fields)
        argv = self.command + ["dispatch", event, "--from", "task_orchestrator", "--limit", str(self.timeout)]
        return self._read(*self._run(argv + self.arguments, json.dumps(payload).encode()))

    def gate(self, event, **fields):
        """Like `fire`, but a refusal is raised as `Refused`."""
        try:
            answer = self.fire(event, **fields)
        except DispatchFailed as failure:
            if not self.fail_closed:
                raise
            answer = Answer(refusal="nobody could ask the hooks: %s" % failure)
        if answer.refused:
            raise Refused(answer)
        return answer

    def _run(self, argv, payload):
        pipe = subprocess.PIPE
        try:
            child = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, env=self.env, cwd=self.project)
        except OSError as error:
            raise DispatchFailed("%s cannot be started: %s" % (argv[0], error)) from error
        try:
            # cph answers before its limit; the rest is patience with a busy machine.
            stdout, stderr = child.communicate(payload, timeout=self.timeout + 5)
        except subprocess.TimeoutExpired:
            self._end(child)
            raise DispatchFailed("no answer within %d s" % self.timeout) from None
        except BaseException:
            self._end(child)
            raise
        return child.returncode, stdout, stderr.decode(errors="replace")

    @staticmethod
    def _end(child):
        # A TERM lets cph end its hooks first; a KILL would leave them running.
        child.terminate()
        try:
            child.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()

    @staticmethod
    def _read(code, stdout, stderr):
        if code == 2:
            return Answer(refusal=stderr.strip() or "refused by a hook", stderr=stderr)
        if code != 0:
            raise DispatchFailed("exit code %d: %s" % (code, stderr.strip()))
        if not stdout.strip():
            return Answer(stderr=stderr)
        try:
            said = json.loads(stdout.decode())
        except ValueError as error:
            raise DispatchFailed("the answer is no JSON: %s" % error) from error
        if not isinstance(said, dict):
            raise DispatchFailed("the answer is no object")
        return Answer(said, stderr=stderr)

    def heartbeat(self):
        """Says in the state file that this process lives; call it every minute or so.

        Returns whether it was written: a file of a newer version is left alone.
        """
        directory = os.path.join(self.project, ".task_orchestrator")
        path = os.path.join(directory, ".hooks_state.json")
        os.makedirs(directory, exist_ok=True)
        if os.path.islink(directory) or os.path.islink(path):
            return False
        state = _state(path)
        if state is None:
            return False
        beat = {"pid": os.getpid(), "at": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")}
        start = _start_of_this_process()
        if start is not None:
            beat["start"] = start
        state.update(version=STATE_VERSION, active_processor="task_orchestrator", heartbeat=beat)
        _replace(path, json.dumps(state, indent=2) + "\n")
        return True


def _state(path):
    """The members of the state file; None if it is of a newer version."""
    try:
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
    except (OSError, ValueError):
        return {}
    if not isinstance(state, dict):
        return {}
    version = state.get("version", STATE_VERSION)
    is_ours = isinstance(version, int) and version <= STATE_VERSION
    return state if is_ours else None


def _start_of_this_process():
    """When the kernel started it: field 22, counted behind the name in parentheses."""
    try:
        with open("/proc/self/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rsplit(")", 1)[1].split()[19])
    except (OSError, IndexError, ValueError):
        return None


def _replace(path, text):
    handle, scratch = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".hooks_state.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise


def main(arguments):
    """orchestrator_client.py EVENT [NAME=VALUE ...]: fires one event; a VALUE is JSON, else text."""
    if not arguments or arguments[0].startswith("-"):
        print(main.__doc__, file=sys.stderr)
        return 64
    fields = {}
    for argument in arguments[1:]:
        name, _, value = argument.partition("=")
        try:
            fields[name] = json.loads(value)
        except ValueError:
            fields[name] = value
    client = Client(os.getcwd(), session_id="by-hand-%d" % os.getpid())
    try:
        answer = client.gate(arguments[0], **fields)
    except Refused as refusal:
        print("refused: %s" % refusal)
        return 1
    except DispatchFailed as failure:
        print(failure, file=sys.stderr)
        return 70
    print(json.dumps(answer.said, indent=2) if answer else "no hook has anything to say")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
