//! One line when something has changed in a run of the session.

use serde_json::Value;

use crate::tasks::live::{Live, Snapshot, Untold};

use super::Scene;

pub(super) fn answer(scene: &Scene<'_>) -> Option<Value> {
    // What a subagent is told never reaches the session.
    if scene.text("agent_id").is_some() {
        return None;
    }
    let live = Live::seen(scene.state)?;
    let untold = live.untold_to(scene.session());
    let going = untold.own.iter().filter(|run| !run.has_ended());
    let lines =
        going.map(|run| (run, run.line())).filter(|(run, line)| live.is_news(&run.run, line));
    let news: Vec<_> = lines.map(|(_, line)| line).chain(ended(scene, &live, &untold)).collect();
    (!news.is_empty()).then(|| scene.context(&news.join("\n")))
}

/// What is to be told of runs that have ended; each is told once.
pub(super) fn ended(scene: &Scene<'_>, live: &Live<'_>, untold: &Untold) -> Option<String> {
    let is_ours = |run: &&Snapshot| run.has_ended() && live.claim(run, scene.session());
    let own = untold.own.iter().filter(is_ours).map(Snapshot::report);
    let left = untold.left.iter().filter(is_ours).map(|run| {
        format!("An earlier session of this project has left a run behind. {}", run.report())
    });
    let reports: Vec<_> = own.chain(left).collect();
    (!reports.is_empty()).then(|| reports.join("\n"))
}
