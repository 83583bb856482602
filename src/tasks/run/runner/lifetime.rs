//! How a run begins and ends, and what is said to hooks about it as a whole.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::sys::clock::Deadline;

use super::{
    super::{
        Summary,
        gates::Asker,
        herald::{self, Answer, members},
        leftovers, worktree,
    },
    Runner, millis,
};

impl Runner<'_> {
    pub(super) fn begin(&mut self) {
        let detail = json!({
            "tasks": self.asked.graph.len(),
            "workers": self.workers.len(),
            "file": self.folder.record.file,
            "done_before": self.folder.done.len(),
        });
        self.tell("run_start", None, None, members(detail));
        let source = if self.folder.done.is_empty() { "startup" } else { "resume" };
        self.ask("OrchestratorInitialize", |_| json!({ "source": source }));
        let answer = self.ask("TaskPlan", Self::plan_payload);
        if let Some(why) = answer.refusal {
            self.stop(format!("the plan was refused: {why}"));
        }
        self.ask("TaskBreakdown", Self::breakdown_payload);
    }

    fn plan_payload(&self) -> Json {
        let file = self.asked.file;
        let prompt = file.name.clone().unwrap_or_else(|| self.folder.record.file.clone());
        let tasks: Vec<_> = (0..self.asked.graph.len()).map(|index| self.subtask(index)).collect();
        json!({ "prompt": prompt, "plan": { "tasks": tasks } })
    }

    fn breakdown_payload(&self) -> Json {
        let tasks: Vec<_> = (0..self.asked.graph.len()).map(|index| self.subtask(index)).collect();
        json!({ "task_id": self.folder.record.id, "subtasks": tasks })
    }

    fn subtask(&self, index: usize) -> Json {
        let task = self.task(index);
        let before = &self.asked.graph.dependencies[index];
        let names: Vec<_> = before.iter().map(|other| &self.task(*other).name).collect();
        json!({
            "task_id": task.name,
            "task_type": task.kind,
            "specialist": task.role,
            "dependencies": names,
        })
    }

    /// Asks hooks about the run and waits for their answer; nothing else goes on meanwhile. What they
    /// are told is only put together for who listens.
    fn ask(&mut self, event: &'static str, fields: impl FnOnce(&Self) -> Json) -> Answer {
        if self.set.is_cancelled() || !self.calls.listens(event) {
            return Answer::default();
        }
        let mut payload = herald::base(event, &self.folder.record.id, &self.cwd);
        payload.extend(members(fields(self)));
        let asked = match self.calls.ask(&mut self.set, event, &payload, Asker::Run) {
            Ok(id) => id,
            Err((_, why)) => {
                self.trouble(&why);
                return Answer::default();
            }
        };
        loop {
            let turn = self.set.turn(&[], Deadline::never());
            for (id, said) in &turn.said {
                self.calls.hear(*id, said);
            }
            for (id, ending) in turn.ended {
                let Some((_, answer, _)) = self.calls.ended(id, ending) else { continue };
                self.heed(&answer);
                if id == asked {
                    return answer;
                }
            }
        }
    }

    /// What every answer may say.
    pub(super) fn heed(&mut self, answer: &Answer) {
        for message in &answer.messages {
            self.trouble(message);
        }
        if let Some(why) = &answer.stop {
            self.stop(why.clone());
        }
    }

    /// Starts nothing more; what runs may finish.
    pub(super) fn stop(&mut self, why: String) {
        self.tell("run_stop", None, None, members(json!({ "reason": why })));
        self.stopped.get_or_insert(why);
        self.take_back();
        let ended = self.schedule.stop();
        self.close_others(ended);
        self.pauses.clear();
    }

    /// Tasks whose work stays where they made it.
    fn unmerged(&self) -> Vec<String> {
        if self.asked.trees.is_none() {
            return Vec::new();
        }
        let names = self.asked.file.tasks.iter().map(|task| &*task.name);
        let (dir, record) = (self.folder.dir(), &self.folder.record);
        let names = worktree::unmerged(dir, record, names, self.asked.env);
        names.into_iter().map(str::to_owned).collect()
    }

    /// Tells hooks that the run is over. Who refuses that makes it fail, and is told once more.
    fn close_run(&mut self, summary: &mut Summary) {
        let id = self.folder.record.id.clone();
        let fields = |summary: &Summary, is_again: bool| {
            json!({
                "task_id": id,
                "success": summary.is_success(),
                "result": summary.outcomes,
                "stop_hook_active": is_again,
            })
        };
        let event = "TaskComplete";
        let Some(why) = self.ask(event, |_| fields(summary, false)).refusal else { return };
        let why = format!("a hook refused its end: {why}");
        self.tell("run_stop", None, None, members(json!({ "reason": why })));
        summary.stopped.get_or_insert(why);
        self.ask(event, |_| fields(summary, true));
    }

    /// Ends what tasks have left running behind them, which may have served other tasks until now.
    fn end_leftovers(&mut self) {
        let count = leftovers::end_own(&self.folder);
        if count > 0 {
            let noun = if count == 1 { "process" } else { "processes" };
            self.trouble(&format!("tasks had left {count} {noun} running; ended with the run"));
        }
    }

    pub(super) fn finish(mut self) -> Summary {
        self.end_leftovers();
        let mut outcomes = BTreeMap::new();
        for value in self.ended.values.iter().flatten() {
            *outcomes.entry(value.outcome.name()).or_insert(0) += 1;
        }
        let took = self.began.elapsed();
        let (is_cancelled, stopped) = (self.is_cancelled, self.stopped.clone());
        let unmerged = self.unmerged();
        let mut summary = Summary { outcomes, is_cancelled, stopped, unmerged, lost: None, took };
        self.close_run(&mut summary);
        let mut detail = members(json!({
            "status": summary.status(),
            "outcomes": summary.outcomes,
            "took_ms": millis(took),
        }));
        if !summary.unmerged.is_empty() {
            detail.insert("unmerged".to_owned(), json!(summary.unmerged));
        }
        self.tell("run_end", None, None, detail);
        summary
    }
}
