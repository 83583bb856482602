//! A prompt that asks for parallel work becomes a plan.

use serde_json::Value;

use crate::{
    model::orders::Mode,
    tasks::{draft, live::Live, prompt},
};

use super::{Scene, status};

pub(super) fn answer(scene: &Scene<'_>) -> Result<Option<Value>, String> {
    let ended = Live::seen(scene.state).and_then(|live| status::ended(scene, &live));
    let planned = planned(scene)?;
    let texts: Vec<_> = ended.into_iter().chain(planned).collect();
    Ok((!texts.is_empty()).then(|| scene.context(&texts.join("\n\n"))))
}

fn planned(scene: &Scene<'_>) -> Result<Option<String>, String> {
    if scene.orders.mode == Mode::Off {
        return Ok(None);
    }
    let prompt = scene.text("prompt").unwrap_or_default();
    let Some(found) = prompt::detect(prompt) else { return Ok(None) };
    let cwd = scene.text("cwd").map_or(scene.root, std::path::Path::new);
    let Some(draft) = draft::of(prompt, &found, cwd) else { return Ok(None) };
    let tasks = draft.names.iter().enumerate().map(|(at, name)| format!("W{} {name}", at + 1));
    let tasks = tasks.collect::<Vec<_>>().join("; ");
    let asked = match &*found.verb {
        "" => format!("{} requests that are independent of each other", found.items.len()),
        verb => format!("`{verb}` for {} items, each on its own", found.items.len()),
    };
    let results = "When a task is done, `${tasks.NAME.artifacts[0]}` in the input of a tool stands \
                   for the path of its answer; a call that needs one that is not there yet is \
                   refused until it is.";
    let text = match scene.orders.mode {
        Mode::Auto => {
            let run = scene.starter.start(&draft.text, scene.session())?;
            format!(
                "cph found parallel work in this prompt ({asked}) and has started run {run} for \
                 it: {tasks}. Headless agents work on it now; do not do their work yourself. \
                 Status lines follow. {results}"
            )
        }
        Mode::Suggest | Mode::Off => {
            let path = scene.starter.keep(&draft.text)?;
            let path = path.display();
            format!(
                "cph found parallel work in this prompt ({asked}) and has a plan for it: {tasks}. \
                 If the items are really independent, it is run by headless agents side by side \
                 with\n\n    cph run --detach '{path}'\n\nand status lines follow. {results} If \
                 not, go on as usual."
            )
        }
    };
    Ok(Some(text))
}
