//! Starting a child: own group, own pipes, the given environment, nothing else.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::io::fcntl_dupfd_cloexec;
#[cfg(not(target_os = "macos"))]
use rustix::pipe::{PipeFlags, pipe_with};

use super::plan::{Image, Leads, Plan};
use super::{Command, REPORT, Stdin, Voices, program};

/// Our ends of the pipes of a child.
#[derive(Debug)]
pub(super) struct Ears {
    pub(super) stdout: OwnedFd,
    /// None when it is one pipe with stdout.
    pub(super) stderr: Option<OwnedFd>,
    pub(super) report: Option<OwnedFd>,
    /// The other ends, which the child has too. As long as they are open the child does not wake us
    /// by closing its own, one after the other, on its way out: it wakes us once, by its end.
    pub(super) mouths: Vec<OwnedFd>,
}

/// What a child speaks through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channels {
    pub(super) voices: Voices,
    /// Whether it has a descriptor to report on, [`REPORT`].
    pub(super) report: bool,
}

/// Starts a child; returns its id and what is heard of it.
pub(super) fn spawn(command: Command, channels: Channels) -> io::Result<(u32, Ears)> {
    Prepared::new(command, channels)?.start()
}

/// A child that is only to be started.
#[derive(Debug)]
pub(super) struct Prepared {
    file: PathBuf,
    dir: Option<PathBuf>,
    image: Image,
    plan: Plan,
    ears: Ears,
    /// Open until it is started.
    _stdin: Stdin,
}

impl Prepared {
    pub(super) fn new(command: Command, channels: Channels) -> io::Result<Self> {
        let dir = command.dir.as_deref().map(std::path::absolute).transpose()?;
        let file = file(&command, dir.as_deref())?;
        let image = Image::new(&file, &command.argv, &command.env)?;
        let stdin = match &command.stdin {
            Stdin::Null => null()?,
            Stdin::File(file) => file,
        };
        let mut plan = Plan::new(Leads::Group);
        plan.redirect(File::as_raw_fd(stdin), 0);
        let ears = Ears::given(&mut plan, channels)?;
        if let Some(dir) = &dir {
            plan.change_dir(dir)?;
        }
        Ok(Self { file, dir, image, plan, ears, _stdin: command.stdin })
    }

    /// Its id and what is heard of it.
    pub(super) fn start(self) -> io::Result<(u32, Ears)> {
        let Self { file, dir, image, plan, ears, _stdin } = self;
        let started = match plan.spawn(&image) {
            Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => {
                plan.spawn(&image.through_shell()?)
            }
            started => started,
        };
        let pid = started.map_err(|error| program::explain(&error, &file, dir.as_deref()))?;
        Ok((pid, ears))
    }
}

impl Ears {
    /// The descriptor by which reports are heard.
    pub(super) fn report_number(&self) -> Option<RawFd> {
        self.report.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// Makes the pipes and has `plan` give their other ends to the child.
    fn given(plan: &mut Plan, channels: Channels) -> io::Result<Self> {
        let (stdout, mouth) = pipe()?;
        plan.redirect(mouth.as_raw_fd(), 1);
        let mut mouths = Vec::with_capacity(3);
        let mut stderr = None;
        match channels.voices {
            Voices::Together => plan.redirect(mouth.as_raw_fd(), 2),
            Voices::Apart => {
                let (ear, mouth) = pipe()?;
                plan.redirect(mouth.as_raw_fd(), 2);
                mouths.push(mouth);
                stderr = Some(ear);
            }
        }
        mouths.push(mouth);
        let mut report = None;
        if channels.report {
            let (ear, mouth) = pipe()?;
            // A descriptor is no duplicate of itself, and the first three are replaced before.
            let mouth = match mouth.as_raw_fd() {
                0..=2 | REPORT => fcntl_dupfd_cloexec(mouth, REPORT + 1)?,
                _ => mouth,
            };
            plan.redirect(mouth.as_raw_fd(), REPORT);
            mouths.push(mouth);
            report = Some(ear);
        }
        Ok(Self { stdout, stderr, report, mouths })
    }
}

/// Nothing to read, opened once.
fn null() -> io::Result<&'static File> {
    static NULL: OnceLock<File> = OnceLock::new();
    if let Some(file) = NULL.get() {
        return Ok(file);
    }
    // Above what children are given, whoever opened what before.
    let file = OpenOptions::new().read(true).open("/dev/null")?;
    let file = File::from(fcntl_dupfd_cloexec(file, REPORT + 1)?);
    Ok(NULL.get_or_init(|| file))
}

/// A pipe that no child inherits by itself: our end, and the one to be given away.
///
/// Where the system cannot make it so in one step, a child that is started in between by another
/// thread holds the pipe open until it ends.
pub(super) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    #[cfg(not(target_os = "macos"))]
    let ends = pipe_with(PipeFlags::CLOEXEC)?;
    #[cfg(target_os = "macos")]
    let ends = {
        let ends = rustix::pipe::pipe()?;
        for end in [&ends.0, &ends.1] {
            rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC)?;
        }
        ends
    };
    Ok(ends)
}

/// The file that `command` runs in `dir`.
pub(super) fn file(command: &Command, dir: Option<&Path>) -> io::Result<PathBuf> {
    let name = command.argv.first().map_or(OsStr::new(""), OsString::as_os_str);
    let path = command.env.get(OsStr::new("PATH"));
    program::find_program(name, path, dir)
}
