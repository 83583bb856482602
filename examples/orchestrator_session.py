#!/usr/bin/env python3
"""A task orchestrator in small: one plan, two tasks, and every answer of the hooks obeyed.

    cph conform -- python3 examples/orchestrator_session.py

It shows what to do with each answer; the work itself is left out. It needs Python 3.8, and
orchestrator_client.py beside it.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from orchestrator_client import Client, DispatchFailed, Refused  # noqa: E402

TASKS = [("1", "fix", {"prompt": "Find out why the basket is empty"}), ("2", "test", {"prompt": "Test it"})]

# How often a hook may send a task back before somebody has to look.
PATIENCE = 3


class Ended(Exception):
    """A hook wants the run to end."""


class Session:
    def __init__(self, project):
        self.cph = Client(project, session_id="session-%d" % os.getpid(), fail_closed=True, timeout=30)
        self.context = []

    def fire(self, event, **fields):
        answer = self.cph.fire(event, **fields)
        if answer.message:
            print(answer.message, file=sys.stderr)
        if answer.context:
            self.context.append(answer.context)
        if answer.stopped or answer.decision == "defer":
            raise Ended(answer.reason or "a hook ends the run")
        return answer

    def gate(self, event, **fields):
        """Whatever cannot be asked counts as refused: nothing runs unguarded."""
        try:
            answer = self.fire(event, **fields)
        except DispatchFailed as failure:
            print("nobody could ask the hooks: %s" % failure, file=sys.stderr)
            return None
        # There is nobody here who could be asked, so that a question is a refusal too.
        if answer.refused or answer.decision == "ask":
            print("not done: %s" % answer.reason, file=sys.stderr)
            return None
        return answer

    def run(self):
        self.tell("OrchestratorInitialize", source="startup")
        if self.gate("TaskPlan", prompt="Mend the basket", plan=[task_id for task_id, _, _ in TASKS]) is None:
            return 1
        return max(self.task(*task) for task in TASKS)

    def task(self, task_id, task_type, task_input):
        about = {"task_id": task_id, "task_type": task_type}
        answer = self.gate("PreTaskExecute", task_input=task_input, **about)
        if answer is None:
            return 1
        if answer.updated_input is not None:
            task_input = answer.updated_input
        result = "done: %s" % task_input.get("prompt")
        self.tell("PostTaskExecute", task_input=task_input, result=result, success=True, **about)
        for again in range(PATIENCE):
            end = self.tell("TaskComplete", result=result, stop_hook_active=again > 0, **about)
            if end is None or not end.refused:
                return 0
            result = "%s, and then: %s" % (result, end.reason)
        return 1

    def tell(self, event, **fields):
        """Nothing depends on the answer; a failure of cph is for the log."""
        try:
            return self.fire(event, **fields)
        except DispatchFailed as failure:
            print(failure, file=sys.stderr)
            return None


def main():
    try:
        return Session(os.getcwd()).run()
    except (Ended, Refused) as end:
        print("ended: %s" % end, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
