//! One line when something has changed in a run of the session.

use serde_json::Value;

use crate::tasks::live::{Live, Snapshot};

use super::Scene;

pub(super) fn answer(scene: &Scene<'_>) -> Option<Value> {
    let live = Live::seen(scene.state)?;
    let ended = ended(scene, &live);
    let runs = live.untold(Some(scene.session()));
    let going = runs.iter().filter(|run| !run.has_ended()).map(Snapshot::line);
    let news: Vec<_> = going.filter(|line| live.is_news(id_of(line), line)).chain(ended).collect();
    (!news.is_empty()).then(|| scene.context(&news.join("\n")))
}

fn id_of(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

/// What is to be told of runs that have ended; each is told once.
pub(super) fn ended(scene: &Scene<'_>, live: &Live<'_>) -> Option<String> {
    let runs = live.untold(Some(scene.session()));
    let ended = runs.iter().filter(|run| run.has_ended() && live.claim(&run.run));
    let reports: Vec<_> = ended.map(Snapshot::report).collect();
    (!reports.is_empty()).then(|| reports.join("\n"))
}
