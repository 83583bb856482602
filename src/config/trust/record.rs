//! The trust record, as bytes.
//!
//! One line for each section with the lengths of what follows it, then raw bytes: a file that did
//! not change is compared with its slice of the record, unescaped and unhashed. Does not know
//! where records lie. Invariant: a section whose checksum fails is never handed out as trusted
//! text, except where it equals the very bytes it is compared with.

use std::{
    ffi::OsStr,
    ops::Range,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

const HEAD: &[u8] = b"cph-trust ";
const VERSION: u32 = 1;
const END: &[u8] = b"end\n";

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The directory that the record holds for; the name is empty.
    Key,
    /// A hook file. The name is the project's prefix, a NUL, and the file's name.
    File,
    /// The fingerprint of a script.
    Script,
    /// Where a project lies in its repository; only in notes of places.
    Prefix,
}

const KINDS: [(Kind, &str); 4] =
    [(Kind::Key, "key"), (Kind::File, "file"), (Kind::Script, "script"), (Kind::Prefix, "prefix")];

/// Name and text of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Section<'r> {
    name: &'r [u8],
    pub(super) text: &'r [u8],
    sum: u64,
}

impl Section<'_> {
    /// Whether name and text are what was written.
    pub(super) fn is_whole(&self) -> bool {
        checksum(self.name, self.text) == self.sum
    }
}

/// A record that was read. The default is the empty one.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    bytes: Vec<u8>,
    sections: Vec<Frame>,
    damage: Option<String>,
}

#[derive(Clone, Debug)]
struct Frame {
    kind: Kind,
    name: Range<usize>,
    text: Range<usize>,
    sum: u64,
}

impl Record {
    /// Reads a record; `None` when it is of a newer version. What is damaged is left out.
    pub(super) fn parse(bytes: Vec<u8>) -> Option<Self> {
        let mut record = Self { bytes, ..Self::default() };
        let mut at = 0;
        match version(&record.bytes) {
            Some((version, _)) if version > VERSION => return None,
            Some((_, start)) => at = start,
            None => record.damage = Some("it has no beginning".to_owned()),
        }
        while record.damage.is_none() && record.bytes.get(at..) != Some(END) {
            match frame(&record.bytes, at) {
                Some((frame, next)) => {
                    record.sections.push(frame);
                    at = next;
                }
                None => record.damage = Some(format!("it cannot be read from byte {at} on")),
            }
        }
        Some(record)
    }

    /// What is wrong with it. Checksums are looked at only when their section is needed.
    pub(super) fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    fn section(&self, frame: &Frame) -> Section<'_> {
        let (name, text) = (&self.bytes[frame.name.clone()], &self.bytes[frame.text.clone()]);
        Section { name, text, sum: frame.sum }
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = Section<'_>> {
        let wanted = self.sections.iter().filter(move |frame| frame.kind == kind);
        wanted.map(|frame| self.section(frame))
    }

    /// The trusted text of a file of the project at `prefix`.
    pub(super) fn file(&self, prefix: &Path, name: &Path) -> Option<Section<'_>> {
        let wanted = owned_name(prefix, name);
        self.of_kind(Kind::File).find(|section| section.name == wanted)
    }

    /// All files of the project at `prefix`.
    pub(super) fn files(&self, prefix: &Path) -> impl Iterator<Item = (PathBuf, Section<'_>)> {
        let mut start = prefix.as_os_str().as_bytes().to_vec();
        start.push(0);
        self.of_kind(Kind::File)
            .filter_map(move |section| Some((path(section.name.strip_prefix(&*start)?), section)))
    }

    /// The fingerprint of a script, if it is whole.
    pub(super) fn script(&self, name: &Path) -> Option<&[u8]> {
        let wanted = name.as_os_str().as_bytes();
        let mut scripts = self.of_kind(Kind::Script);
        let found = scripts.find(|section| section.name == wanted && section.is_whole())?;
        Some(found.text)
    }

    /// All fingerprints that are whole.
    pub(super) fn scripts(&self) -> impl Iterator<Item = (PathBuf, &[u8])> {
        let whole = self.of_kind(Kind::Script).filter(Section::is_whole);
        whole.map(|section| (path(section.name), section.text))
    }

    /// The text of the first whole section of a kind, as a path.
    pub(super) fn path(&self, kind: Kind) -> Option<PathBuf> {
        let found = self.of_kind(kind).find(Section::is_whole)?;
        Some(path(found.text))
    }

    /// Names of all files, each with the prefix of its project.
    pub(super) fn names(&self) -> Vec<(PathBuf, PathBuf)> {
        self.of_kind(Kind::File)
            .filter_map(|section| {
                let at = section.name.iter().position(|&byte| byte == 0)?;
                Some((path(&section.name[..at]), path(&section.name[at + 1..])))
            })
            .collect()
    }

    /// Puts a section in place of the one of its name, or adds it; without a text it goes.
    /// Damaged sections go too.
    pub(super) fn set(&mut self, kind: Kind, name: &[u8], text: Option<&[u8]>) {
        let mut bytes = beginning();
        for frame in &self.sections {
            let section = self.section(frame);
            if section.is_whole() && (frame.kind, section.name) != (kind, name) {
                push(&mut bytes, frame.kind, section.name, section.text);
            }
        }
        if let Some(text) = text {
            push(&mut bytes, kind, name, text);
        }
        bytes.extend_from_slice(END);
        *self = Self::parse(bytes).expect("BUG: we wrote a newer version than ours");
    }

    /// The bytes to keep.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// How the record calls a file of the project at `prefix`.
pub(super) fn owned_name(prefix: &Path, name: &Path) -> Vec<u8> {
    [prefix.as_os_str().as_bytes(), b"\0", name.as_os_str().as_bytes()].concat()
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

fn beginning() -> Vec<u8> {
    [HEAD, format!("{VERSION}\n").as_bytes()].concat()
}

fn push(bytes: &mut Vec<u8>, kind: Kind, name: &[u8], text: &[u8]) {
    let word = KINDS.iter().find(|(known, _)| *known == kind).map_or("", |(_, word)| word);
    let sum = checksum(name, text);
    bytes
        .extend_from_slice(format!("{word} {} {} {sum:016x}\n", name.len(), text.len()).as_bytes());
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(text);
    bytes.push(b'\n');
}

/// The version and where the sections begin.
fn version(bytes: &[u8]) -> Option<(u32, usize)> {
    let (line, next) = line(bytes, 0)?;
    let version = std::str::from_utf8(line.strip_prefix(HEAD)?).ok()?.parse().ok()?;
    Some((version, next))
}

fn frame(bytes: &[u8], at: usize) -> Option<(Frame, usize)> {
    let (line, start) = line(bytes, at)?;
    let words: Vec<&str> = std::str::from_utf8(line).ok()?.split(' ').collect();
    let [kind, name, text, sum] = words[..] else {
        return None;
    };
    let (kind, _) = *KINDS.iter().find(|(_, word)| *word == kind)?;
    let middle = start.checked_add(name.parse().ok()?)?;
    let end = middle.checked_add(text.parse().ok()?)?;
    let sum = u64::from_str_radix(sum, 16).ok()?;
    let frame = Frame { kind, name: start..middle, text: middle..end, sum };
    (bytes.get(end) == Some(&b'\n')).then_some((frame, end + 1))
}

/// The line that begins at `at`, and where the next one does. Lines of ours are short.
fn line(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(at..)?;
    let length = rest.iter().take(128).position(|&byte| byte == b'\n')?;
    Some((&rest[..length], at + length + 1))
}

/// FNV-1a: against torn writes and bad disks, not against people; the directory is private.
fn checksum(name: &[u8], text: &[u8]) -> u64 {
    name.iter().chain(&[0]).chain(text).fold(0xcbf2_9ce4_8422_2325, |sum, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
