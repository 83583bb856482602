//! `cph plan`: what a task file would do, drawn.

use crate::{
    cli::{
        args::{Plan, PlanFormat},
        exit::Exit,
        failure::Failure,
    },
    sys::load,
    tasks::draw::Drawing,
};

use super::{Desk, Named, existing, lengths, tasks_of};

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Plan) -> Result<Exit, Failure> {
    let here = desk.here();
    let named = Named::read(&here, &args.file)?;
    let (file, graph) = match tasks_of(desk, &here, &named.source) {
        Ok(sound) => sound,
        Err(exit) => return Ok(exit),
    };
    // A plan needs no history; one that cannot be read costs only the expected length.
    let known = existing(&here).ok().flatten();
    let lengths = lengths(known.as_ref().map(|(_, runs)| runs), &named.name, &file);
    let workers = file.max_workers.unwrap_or_else(load::processors);
    let drawing = Drawing { file: &file, graph: &graph, lengths: &lengths, workers };
    match args.format {
        PlanFormat::Text => desk.output.text(drawing.text()),
        PlanFormat::Mermaid => desk.output.text(drawing.mermaid()),
        PlanFormat::Svg => desk.output.text(drawing.svg()),
        PlanFormat::Json => desk.output.json(&drawing.json()),
    }
    Ok(Exit::Fine)
}
