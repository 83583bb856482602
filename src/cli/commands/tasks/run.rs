//! `cph run`: a task file is run, in the foreground or by itself.

use std::{path::Path, thread};

use crate::{
    cli::{
        args::Run,
        exit::Exit,
        failure::Failure,
        output::{BAD, GOOD, WARN, styled},
    },
    diag::render::text::clean,
    model::Processor,
    session::{
        live as processors, place as state_place,
        recursion::{self, Nesting},
    },
    source::SourceFile,
    store::runs::Runs,
    sys::{
        clock,
        dir::PrivateDir,
        load,
        place::{self, Env},
        process::{self, Command, Outputs, Stdin},
        signal, trace,
    },
    tasks::{
        self, Graph, TaskFile,
        draw::{Drawing, span},
        live,
        run::{
            Order, Summary,
            folder::{self, Folder, Options},
        },
    },
};

use super::{
    super::here::Here,
    Desk, Named, board,
    herald::ByDispatch,
    lengths, merge, no_run, tasks_of,
    told::{self, Told},
};

/// Runs within runs, at most: what starts itself must not go on for ever.
const DEEPEST: u32 = 4;

/// Bytes of a task file from which on reading it takes as long as opening the database.
const LONG: usize = 16 << 10;

/// What a detached run says goes here.
const OWN_LOG: &str = "orchestrator.log";

pub(in crate::cli) fn run(desk: &Desk<'_>, args: &Run) -> Result<Exit, Failure> {
    signal::outlive_full_files();
    let here = desk.here();
    let depth = depth(&here)?;
    let kept = state(&here)?;
    let stage = Stage { desk, here: &here, state: &kept, args, depth };
    if let Some(id) = &args.drive {
        return stage.drive(open(&kept, id)?, None, None);
    }
    if args.resume {
        return stage.resume_last();
    }
    let path = args.file.as_deref().unwrap_or(Path::new("-"));
    stage.begin(&Named::read(&here, path)?)
}

/// `cph runs resume`.
pub(super) fn resume(desk: &Desk<'_>, id: &str, args: &Run) -> Result<Exit, Failure> {
    let here = desk.here();
    let depth = depth(&here)?;
    let state = state(&here)?;
    Stage { desk, here: &here, state: &state, args, depth }.resume(id)
}

fn depth(here: &Here) -> Result<u32, Failure> {
    let nesting = Nesting::parse(here.env.text(recursion::DEPTH), None);
    if nesting.is_too_deep(DEEPEST) {
        let message = format!("this is run number {} within runs and hooks", nesting.depth);
        return Err(Failure::new(Exit::Failed, message)
            .hint("a task must not start the run that it belongs to"));
    }
    Ok(nesting.depth)
}

fn state(here: &Here) -> Result<PrivateDir, Failure> {
    let opened = state_place::project_dir(here.state_dir()?, &here.root);
    opened.map_err(|error| unkept(&error))
}

/// A run could not be written down.
fn unkept(error: &dyn std::error::Error) -> Failure {
    Failure::of(error).hint("runs are kept there; XDG_STATE_HOME can name another place")
}

fn open(state: &PrivateDir, id: &str) -> Result<Folder, Failure> {
    match folder::open(state, id) {
        Ok(folder) => Ok(folder),
        Err(folder::Error::Unknown(id)) => Err(no_run(&id)),
        Err(error) => Err(Failure::of(&error)),
    }
}

/// Of the host's own session: a worker's session is another.
const OF_THE_SESSION: &[&str] = &[
    "CLAUDECODE",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_SESSION_ATTENDED",
    "CLAUDE_CODE_MESSAGING_SOCKET",
    "CLAUDE_PID",
    "CLAUDE_ENV_FILE",
];

/// With what a run is handed to a process of its own.
pub(super) struct Detaching<'d> {
    pub(super) state: &'d PrivateDir,
    /// The project.
    pub(super) root: &'d Path,
    pub(super) env: &'d Env,
    /// Who is told of the run.
    pub(super) session: Option<String>,
    /// Run again what is done.
    pub(super) is_forced: bool,
}

impl Detaching<'_> {
    /// Starts the process; the id of the run. An error is a sentence.
    pub(super) fn start(&self, folder: Folder) -> Result<String, String> {
        let id = folder.record.id.clone();
        let program = place::own_program().map_err(|error| error.to_string())?;
        let log = folder.dir().open_append(OWN_LOG).map_err(|error| error.to_string())?;
        let text = folder::text(folder.dir()).map_err(|error| error.to_string())?;
        if let Ok((file, _)) = tasks::read(&SourceFile::new("tasks", text)) {
            told::announce(self.state, self.env, &folder, self.session.clone(), &file);
        }
        let mut argv = vec![program.into_os_string(), "run".into(), "--drive".into(), (&id).into()];
        argv.extend(["--project".into(), self.root.as_os_str().to_owned(), "--quiet".into()]);
        if self.is_forced {
            argv.push("--force".into());
        }
        let mut env = self.env.to_map();
        env.retain(|name, _| {
            let name = name.to_string_lossy();
            // Nor is it ended with a run that one of whose tasks has started it.
            let is_mark = name == tasks::run::MARK || name.ends_with("_MESSAGING_TOKEN");
            !OF_THE_SESSION.contains(&&*name) && !is_mark
        });
        if let Some(session) = &self.session {
            env.insert(told::SESSION.into(), session.into());
        }
        let dir = Some(self.root.to_owned());
        let env = env.into();
        let command = Command { argv, env, dir, stdin: Stdin::Null, marker: id.clone() };
        // From here on the lock is free for whoever drives it.
        drop(folder);
        let outputs = Outputs { stdout: Some(&log), stderr: Some(&log) };
        process::detach(&command, outputs).map_err(|error| error.to_string())?;
        Ok(id)
    }
}

/// Where a run is started.
struct Stage<'s> {
    desk: &'s Desk<'s>,
    here: &'s Here,
    state: &'s PrivateDir,
    args: &'s Run,
    depth: u32,
}

impl Stage<'_> {
    fn runs(&self) -> Result<Runs, Failure> {
        Runs::open(self.state.path()).map_err(|error| Failure::of(&error))
    }

    fn begin(&self, named: &Named) -> Result<Exit, Failure> {
        let (sound, runs) = self.prepare(named);
        let sound = match sound {
            Ok(sound) => sound,
            Err(exit) => return Ok(exit),
        };
        let options = self.options(Options::default());
        let (name, base) = (named.name.clone(), named.base.clone());
        let folder = folder::create(self.state, name, base, options, named.source.text());
        let folder = folder.map_err(|error| unkept(&error))?;
        if self.args.detach { self.detach(folder) } else { self.drive(folder, Some(sound), runs) }
    }

    /// The tasks of a file; while a long one is read, another thread opens the database.
    fn prepare(&self, named: &Named) -> (Result<(TaskFile, Graph), Exit>, Option<Runs>) {
        let dir = self.state.path();
        let is_long = !self.args.detach && named.source.text().len() >= LONG;
        thread::scope(|scope| {
            let open = || {
                let _starting = trace::scope("thread.start");
                thread::Builder::new().spawn_scoped(scope, || Runs::open(dir)).ok()
            };
            let opening = is_long.then(open).flatten();
            let sound = tasks_of(self.desk, self.here, &named.source);
            // Whoever tries again is told why not.
            let runs = opening.and_then(|opening| opening.join().ok()?.ok());
            (sound, runs)
        })
    }

    /// What is said now counts beside what was said before.
    fn options(&self, before: Options) -> Options {
        Options {
            by_batch: before.by_batch || self.args.by_batch,
            max_workers: self.args.max_workers.map(usize::from).or(before.max_workers),
            keep_going: self.args.keep_going.then_some(true).or(before.keep_going),
            merge: before.merge || self.args.merge,
        }
    }

    fn resume_last(&self) -> Result<Exit, Failure> {
        let wanted = match &self.args.file {
            Some(path) => Some(Named::read(self.here, path)?.name),
            None => None,
        };
        let listed = self.runs()?.list(usize::MAX).map_err(|error| Failure::of(&error))?;
        let last = listed.iter().find(|run| wanted.as_ref().is_none_or(|name| *name == run.file));
        match last {
            Some(run) => self.resume(&run.id),
            None => Err(Failure::new(Exit::Usage, "there is no run to go on with")
                .hint("`cph run FILE` starts one")),
        }
    }

    /// The file as it is now counts; what has changed in it runs again.
    fn resume(&self, id: &str) -> Result<Exit, Failure> {
        let mut folder = open(self.state, id)?;
        // Somebody may have told a driver to end that was ending already.
        folder.takes_cancel();
        let file = folder.record.file.clone();
        if file != "-" && Path::new(&file).exists() {
            let named = Named::at(Path::new(&file))?;
            let replaced = folder.replace_text(named.source.text());
            replaced.map_err(|error| Failure::of(&error))?;
        }
        // Also for whoever drives it in our place.
        folder.set_options(self.options(folder.record.options)).map_err(|e| Failure::of(&e))?;
        if self.args.detach { self.detach(folder) } else { self.drive(folder, None, None) }
    }

    /// Hands the run to a process of its own.
    fn detach(&self, folder: Folder) -> Result<Exit, Failure> {
        let detaching = Detaching {
            state: self.state,
            root: &self.here.root,
            env: &self.here.env,
            session: told::session(&self.here.env),
            is_forced: self.args.force,
        };
        let id = detaching.start(folder).map_err(|why| Failure::new(Exit::Failed, why))?;
        if self.args.json {
            self.desk.output.json_line(&serde_json::json!({ "run": id }));
        } else {
            self.desk.output.line(&id);
        }
        Ok(Exit::Fine)
    }

    /// Drives a run that is ours, to its end; its tasks are read from its directory unless they are
    /// given, and so is the database.
    fn drive(
        &self,
        folder: Folder,
        sound: Option<(TaskFile, Graph)>,
        runs: Option<Runs>,
    ) -> Result<Exit, Failure> {
        let runs = runs.map_or_else(|| self.runs(), Ok)?;
        self.tidy(&folder, &runs);
        let sound = match sound {
            Some(sound) => Ok(sound),
            None => self.read(&folder)?,
        };
        let (file, graph) = match sound {
            Ok(sound) => sound,
            Err(exit) => return Ok(exit),
        };
        let (id, is_merged) = (folder.record.id.clone(), folder.record.options.merge);
        let known = lengths(Some(&runs), &folder.record.file, &file);
        let workers = folder.record.options.max_workers.or(file.max_workers);
        let workers = workers.unwrap_or_else(load::processors);
        let drawing = Drawing { file: &file, graph: &graph, lengths: &known, workers };
        let plan = serde_json::to_vec(&drawing.plan()).unwrap_or_default();
        folder.write("plan.json", &plan).map_err(|error| Failure::of(&error))?;
        let herald = ByDispatch::new(self.here).map_err(|error| Failure::of(&error))?;
        let board =
            board::watcher(self.desk.output, self.args, &id, file.tasks.len(), &self.here.env);
        let session = told::session(&self.here.env);
        let mut watcher = Told::new(board, self.state, &self.here.env, &folder, session, &file);
        let order = Order {
            file: &file,
            graph: &graph,
            folder,
            runs,
            lengths: &Drawing::planned(&known),
            env: &self.here.env,
            force: self.args.force,
            depth: self.depth,
            herald: &herald,
            watcher: &mut watcher,
            scratch: &self.here.places.temp_dir,
        };
        let summary = tasks::run::run(order).map_err(|error| Failure::of(&error))?;
        drop(watcher);
        self.retire(&id);
        self.tell(&id, &summary, is_merged);
        Ok(match () {
            () if summary.is_cancelled => Exit::Cancelled,
            () if summary.is_success() && is_merged => {
                merge::run(self.desk, &id, &[], self.args.json)?
            }
            () if summary.is_success() => Exit::Fine,
            () => Exit::Findings,
        })
    }

    /// Claude Code's hooks need not wait for an orchestrator that is done.
    fn retire(&self, id: &str) {
        let (boot_time, boot, wall) = (clock::boot_now(), clock::boot_id(), clock::wall_now());
        let now = processors::Now { boot_time, boot, wall };
        if let Err(error) = processors::retire(self.state, Processor::TaskOrchestrator, &now, id) {
            self.desk.output.complain(styled(WARN, format!("{id} still counts as live: {error}")));
        }
    }

    fn read(&self, folder: &Folder) -> Result<Result<(TaskFile, Graph), Exit>, Failure> {
        let text = folder::text(folder.dir()).map_err(|error| Failure::of(&error))?;
        let source = SourceFile::new(folder.record.file.clone(), text);
        Ok(tasks_of(self.desk, self.here, &source))
    }

    /// Ends what dead drivers have left behind, of this run and of others.
    fn tidy(&self, folder: &Folder, runs: &Runs) {
        let tell = |id: &str, count: usize| {
            if count > 0 {
                let text = format!("run {id} had left {count} processes behind; they were ended");
                self.desk.output.complain(styled(WARN, text));
            }
        };
        let id = &folder.record.id;
        if runs.get(id).is_ok_and(|known| known.is_some()) {
            tell(id, tasks::run::end_processes(folder));
        }
        for (id, count) in tasks::run::sweep(self.state, runs) {
            tell(&id, count);
        }
    }

    fn tell(&self, id: &str, summary: &Summary, is_merged: bool) {
        if let Some(why) = &summary.lost {
            let warning = styled(WARN, "warning");
            let told = format!("the events of {id} are not all kept: {}", clean(why));
            self.desk.output.complain(format_args!("{warning}: {told}"));
        }
        if self.args.json {
            return;
        }
        let parts = summary.outcomes.iter().map(|(name, count)| format!("{count} {name}"));
        let parts: Vec<_> = parts.collect();
        let style = if summary.is_success() { GOOD } else { BAD };
        #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
        let took = span(summary.took.as_millis() as f64);
        let status = styled(style, summary.status());
        self.desk.output.line(format_args!("{id} {status}: {} in {took}", parts.join(", ")));
        if let Some(why) = &summary.stopped {
            self.desk.output.line(format_args!("  ended by a hook: {why}"));
        }
        // What is about to be merged is told then.
        let has_its_turn = is_merged && summary.is_success();
        if !summary.unmerged.is_empty() && !has_its_turn {
            self.desk
                .output
                .line(format_args!("  {}", clean(&live::unmerged(id, &summary.unmerged))));
        }
        if !summary.is_success() {
            self.desk.output.line(format_args!(
                "  `cph runs show {id}` tells more; `cph runs resume {id}` goes on"
            ));
        }
    }
}
