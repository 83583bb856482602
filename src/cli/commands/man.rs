//! `cph man`: manual pages, made of the table of commands.
//!
//! Invariant: the same program prints the same pages, to the byte: no date stands in them.

use std::path::Path;

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::{
    cli::{
        args::{Cli, Man as Args},
        exit::Exit,
        failure::Failure,
    },
    config::nearest::nearest,
    sys::atomic,
};

use super::Desk;

/// One page: the name of its command, `cph` for all of it, and its text.
struct Page {
    command: String,
    name: String,
    roff: Vec<u8>,
}

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Args) -> Result<Exit, Failure> {
    let pages = pages()?;
    if args.list {
        for page in &pages {
            desk.output.line(&page.name);
        }
    } else if let Some(dir) = &args.dir {
        write(desk, dir, &pages)?;
    } else {
        let wanted = args.page.as_deref().unwrap_or("cph");
        let page = pages.iter().find(|page| page.command == wanted);
        let page = page.ok_or_else(|| unknown(wanted, &pages))?;
        desk.output.text(String::from_utf8_lossy(&page.roff));
    }
    Ok(Exit::Fine)
}

fn unknown(wanted: &str, pages: &[Page]) -> Failure {
    let failure = Failure::new(Exit::Usage, format!("there is no command `{wanted}`"));
    match nearest(wanted, pages.iter().map(|page| &*page.command)) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`cph --help` lists them"),
    }
}

fn write(desk: &Desk<'_>, dir: &Path, pages: &[Page]) -> Result<(), Failure> {
    std::fs::create_dir_all(dir).map_err(|error| Failure::of(&error))?;
    for page in pages {
        let path = dir.join(&page.name);
        atomic::write(&path, &page.roff).map_err(|error| Failure::of(&error))?;
        desk.output.line(path.display());
    }
    Ok(())
}

fn pages() -> Result<Vec<Page>, Failure> {
    let mut cli = Cli::command();
    cli.build();
    let mut pages = vec![page("cph", cli.clone())?];
    for command in cli.get_subcommands().filter(|command| !command.is_hide_set()) {
        pages.push(page(command.get_name(), command.clone())?);
    }
    Ok(pages)
}

fn page(name: &str, command: clap::Command) -> Result<Page, Failure> {
    let man = Man::new(command).manual("cph manual").source("cph");
    let mut roff = Vec::new();
    man.render(&mut roff).map_err(|error| Failure::of(&error))?;
    Ok(Page { command: name.to_owned(), name: man.get_filename(), roff })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_of_its_own_name() {
        let pages = pages().unwrap();
        let names: Vec<_> = pages.iter().map(|page| &*page.name).collect();
        assert_eq!(names[0], "cph.1");
        assert!(names.contains(&"cph-install.1"), "{names:?}");
        assert!(!names.iter().any(|name| name.contains("hand-over")), "{names:?}");
        for page in &pages {
            let text = String::from_utf8_lossy(&page.roff);
            assert!(text.contains(".SH SYNOPSIS"), "{}", page.name);
        }
    }
}
