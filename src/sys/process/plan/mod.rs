//! What a new process is given: descriptors, directory, signals, and what it leads.
//!
//! The standard library offers neither sessions nor descriptors beyond the first three without
//! forking. Knows nothing of who starts what. Between the two programs nothing of this one runs
//! but a handful of system calls: no memory is taken, no lock is waited for.

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use libc::{c_char, c_int};

use super::environment::{Common, Environment};

#[cfg(target_os = "linux")]
mod linux;
mod posix;

/// What a new process is the leader of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Leads {
    Session,
    Group,
}

/// Signals that do in the new process what they do by default: those that somebody of us may
/// ignore, which would be handed on, or handle (`sys::signal`).
const DEFAULT: [c_int; 6] =
    [libc::SIGPIPE, libc::SIGCHLD, libc::SIGHUP, libc::SIGINT, libc::SIGTERM, libc::SIGXFSZ];

/// What happens between the two programs, in this order: signals, leading, redirections,
/// directory. No signal is blocked in the new one.
#[derive(Debug)]
pub(super) struct Plan {
    leads: Leads,
    redirections: Vec<Redirection>,
    dir: Option<CString>,
}

/// Descriptor `target` of the new process becomes a duplicate of `source`.
#[derive(Clone, Copy, Debug)]
struct Redirection {
    source: RawFd,
    target: RawFd,
}

/// A program with its arguments and its environment, as the system takes them.
#[derive(Debug)]
pub(super) struct Image {
    /// The file, the arguments and its own variables, each with the NUL that ends it.
    bytes: Vec<u8>,
    /// Where each begins; the file first.
    starts: Vec<usize>,
    /// How many of them are arguments.
    arguments: usize,
    /// The other variables, and those of them that it has not.
    common: Arc<Common>,
    hidden: Vec<usize>,
}

/// The lists that a program is started with. They point into an [`Image`].
struct Lists {
    argv: Vec<*mut c_char>,
    env: Vec<*mut c_char>,
}

impl Plan {
    pub(super) fn new(leads: Leads) -> Self {
        Self { leads, redirections: Vec::with_capacity(4), dir: None }
    }

    /// Makes descriptor `target` of the new process a duplicate of `source`, which must be another.
    pub(super) fn redirect(&mut self, source: RawFd, target: RawFd) {
        self.redirections.push(Redirection { source, target });
    }

    pub(super) fn change_dir(&mut self, dir: &Path) -> io::Result<()> {
        self.dir = Some(CString::new(dir.as_os_str().as_bytes())?);
        Ok(())
    }

    /// Starts a program and returns the new process's id once it is in place.
    ///
    /// The errors are those of any of the steps, as the system tells them.
    pub(super) fn spawn(&self, image: &Image) -> io::Result<u32> {
        #[cfg(test)]
        let _apart = super::apart::starting();
        #[cfg(target_os = "linux")]
        if !crate::sys::use_posix() {
            return linux::spawn(self, image);
        }
        posix::spawn(self, image)
    }
}

impl Image {
    pub(super) fn new(file: &Path, argv: &[OsString], env: &Environment) -> io::Result<Self> {
        let file = file.as_os_str().as_bytes();
        let mut image = Self::of(file, argv.iter().map(|argument| argument.as_bytes()))?;
        let (common, hidden, own) = env.parts();
        (image.common, image.hidden) = (common, hidden);
        for (name, value) in own {
            image.push(&[name.as_bytes(), b"=", value.as_bytes()])?;
        }
        Ok(image)
    }

    fn of<'b>(file: &[u8], argv: impl Iterator<Item = &'b [u8]>) -> io::Result<Self> {
        let (bytes, starts) = (Vec::with_capacity(2048), Vec::with_capacity(64));
        let (common, hidden) = (Arc::default(), Vec::new());
        let mut image = Self { bytes, starts, arguments: 0, common, hidden };
        image.push(&[file])?;
        for argument in argv {
            image.push(&[argument])?;
            image.arguments += 1;
        }
        Ok(image)
    }

    /// The same for a file that the kernel does not know how to run: a shell script without a first
    /// line, as `execvp` takes it.
    pub(super) fn through_shell(&self) -> io::Result<Self> {
        let mut texts = self.texts();
        let (file, rest) = (texts.next().unwrap_or_default(), texts.skip(1));
        let shell = b"/bin/sh".as_slice();
        let argv = [shell, file].into_iter();
        let mut image = Self::of(shell, argv.chain(rest.take(self.arguments.saturating_sub(1))))?;
        (image.common, image.hidden) = (Arc::clone(&self.common), self.hidden.clone());
        for variable in self.texts().skip(1 + self.arguments) {
            image.push(&[variable])?;
        }
        Ok(image)
    }

    /// Adds one text, given in pieces.
    fn push(&mut self, pieces: &[&[u8]]) -> io::Result<()> {
        self.starts.push(self.bytes.len());
        for piece in pieces {
            if piece.contains(&0) {
                let told = "an argument, a variable or the program has a NUL in it";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, told));
            }
            self.bytes.extend_from_slice(piece);
        }
        self.bytes.push(0);
        Ok(())
    }

    /// All of them but the common ones, without the ends.
    fn texts(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.starts.iter().skip(1).copied().chain([self.bytes.len()]);
        self.starts.iter().zip(ends).map(|(start, end)| &self.bytes[*start..end - 1])
    }

    fn file(&self) -> *const c_char {
        self.bytes.as_ptr().cast()
    }

    fn lists(&self) -> Lists {
        let (argv, env) = self.starts[1..].split_at(self.arguments);
        let here = |start: &usize| pointer(&self.bytes[*start..]);
        let common = self.common.texts(&self.hidden).map(pointer);
        let end = [std::ptr::null_mut()];
        Lists {
            argv: argv.iter().map(here).chain(end).collect(),
            env: common.chain(env.iter().map(here)).chain(end).collect(),
        }
    }
}

fn pointer(text: &[u8]) -> *mut c_char {
    text.as_ptr().cast::<c_char>().cast_mut()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[expect(unsafe_code, reason = "what the system is given is read as it reads it")]
    fn text_at(text: *mut c_char) -> String {
        // SAFETY: it points to a text with its end, of an image that lives.
        unsafe { std::ffi::CStr::from_ptr(text) }.to_str().unwrap().to_owned()
    }

    #[test]
    fn an_image_holds_its_texts_one_after_the_other() {
        let argv = ["prog", "", "b c"].map(OsString::from);
        let pairs =
            |pairs: [(&str, &str); 2]| BTreeMap::from(pairs.map(|(n, v)| (n.into(), v.into())));
        let env = pairs([("A", "1"), ("B", "")]).into();
        let image = Image::new(Path::new("/bin/prog"), &argv, &env).unwrap();
        let texts = |image: &Image| -> Vec<String> {
            image.texts().map(|text| String::from_utf8(text.to_vec()).unwrap()).collect()
        };
        assert_eq!(texts(&image), ["/bin/prog", "prog", "", "b c", "A=1", "B="]);
        let through = image.through_shell().unwrap();
        let expected = ["/bin/sh", "/bin/sh", "/bin/prog", "", "b c", "A=1", "B="];
        assert_eq!(texts(&through), expected);
        let lists = image.lists();
        assert_eq!((lists.argv.len(), lists.env.len()), (4, 3), "each has its end");
        let mut some = Environment::common(pairs([("A", "1"), ("B", "")]));
        some.set("A", "2");
        let some = Image::new(Path::new("/bin/prog"), &argv, &some).unwrap();
        for image in [some.through_shell().unwrap(), some] {
            let env = &image.lists().env;
            let told: Vec<_> = env[..2].iter().map(|text| text_at(*text)).collect();
            assert_eq!((told, env.len()), (vec!["B=".to_owned(), "A=2".to_owned()], 3));
        }
        let nul = [OsString::from("a\0b")];
        let refused = Image::new(Path::new("/bin/prog"), &nul, &env).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
    }
}
