//! `cph plan`: what a task file would do, drawn; or what a prompt asks for.

use crate::{
    cli::{
        args::{Plan, PlanFormat},
        exit::Exit,
        failure::Failure,
        output::{DIM, styled},
    },
    source::SourceFile,
    sys::load,
    tasks::{draft, draw::Drawing, prompt},
};

use super::{super::here::Here, Desk, Named, existing, lengths, tasks_of};

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Plan) -> Result<Exit, Failure> {
    let here = desk.here();
    let prompt = args.file.to_str().filter(|text| text.contains(char::is_whitespace));
    if let Some(prompt) = prompt.filter(|_| !args.file.exists()) {
        return of_prompt(desk, &here, args, prompt);
    }
    let named = Named::read(&here, &args.file)?;
    if args.format == PlanFormat::Yaml {
        desk.output.text(named.source.text());
        return Ok(Exit::Fine);
    }
    draw(desk, &here, args, &named)
}

/// The plan of a prompt, if it asks for parallel work.
fn of_prompt(desk: &Desk<'_>, here: &Here, args: &Plan, text: &str) -> Result<Exit, Failure> {
    let found = prompt::detect(text);
    let draft = found.as_ref().and_then(|found| draft::of(text, found, &here.root));
    let (Some(found), Some(draft)) = (found, draft) else {
        desk.output.complain("no parallel work is found in this prompt");
        return Ok(Exit::Findings);
    };
    if args.format == PlanFormat::Yaml {
        desk.output.text(&draft.text);
        return Ok(Exit::Fine);
    }
    let source = SourceFile::new("<prompt>", draft.text);
    let named = Named { source, name: "-".to_owned(), base: here.root.clone() };
    if args.format == PlanFormat::Text {
        for item in &found.items {
            let kind = styled(DIM, format_args!("({})", item.kind.name()));
            desk.output.line(format_args!("{} {kind}", item.name));
        }
    }
    draw(desk, here, args, &named)
}

fn draw(desk: &Desk<'_>, here: &Here, args: &Plan, named: &Named) -> Result<Exit, Failure> {
    let (file, graph) = match tasks_of(desk, here, &named.source) {
        Ok(sound) => sound,
        Err(exit) => return Ok(exit),
    };
    // A plan needs no history; one that cannot be read costs only the expected length.
    let known = existing(here).ok().flatten();
    let lengths = lengths(known.as_ref().map(|(_, runs)| runs), &named.name, &file);
    let workers = file.max_workers.unwrap_or_else(load::processors);
    let drawing = Drawing { file: &file, graph: &graph, lengths: &lengths, workers };
    match args.format {
        PlanFormat::Text => desk.output.text(drawing.text()),
        PlanFormat::Mermaid => desk.output.text(drawing.mermaid()),
        PlanFormat::Svg => desk.output.text(drawing.svg()),
        PlanFormat::Json => desk.output.json(&drawing.plan()),
        PlanFormat::Yaml => desk.output.text(named.source.text()),
    }
    Ok(Exit::Fine)
}
