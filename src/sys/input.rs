//! Reading a document from a descriptor that its writer may forget to close.
//!
//! Does not know JSON: the caller says when a text is complete. Invariant: never waits for ever on
//! a writer that has said all it had to say.

use std::{io, os::fd::AsFd};

use rustix::{
    buffer::spare_capacity,
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, read},
};

use super::clock::Deadline;

/// How long a complete text waits for its end of file.
const QUIET: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Most bytes that are read: a payload holds whole files at times, but not this.
pub(crate) const CAP: usize = 256 << 20;

/// The text grows by at least this when there is less space left than the other.
const BLOCK: usize = 16 << 10;
const LEAST_SPACE: usize = 4 << 10;

/// Reads to the end of file, or until nothing has come for a tenth of a second and `is_complete`
/// says that the text is whole, or until the deadline.
pub(crate) fn read_document(
    input: impl AsFd,
    deadline: Deadline,
    is_complete: impl Fn(&[u8]) -> bool,
) -> io::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(BLOCK);
    loop {
        if !is_readable(&input)? {
            if is_complete(&text) || deadline.expired() {
                return Ok(text);
            }
            continue;
        }
        if text.len() > CAP {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the payload is too large"));
        }
        if text.capacity() - text.len() < LEAST_SPACE {
            text.reserve(BLOCK);
        }
        if read_retrying(&input, &mut text)? == 0 {
            return Ok(text);
        }
    }
}

fn is_readable(input: &impl AsFd) -> io::Result<bool> {
    let mut fds = [PollFd::new(input, PollFlags::IN)];
    match poll(&mut fds, Some(&QUIET)) {
        Ok(count) => Ok(count > 0),
        Err(Errno::INTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Reads to the end of what is there, without touching memory that is not needed.
fn read_retrying(input: &impl AsFd, text: &mut Vec<u8>) -> io::Result<usize> {
    loop {
        match read(input, spare_capacity(text)) {
            Err(Errno::INTR) => {}
            read => return read.map_err(io::Error::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, time::Duration};

    use super::*;

    #[test]
    fn reads_to_the_end_of_file() {
        let (reader, mut writer) = io::pipe().unwrap();
        let text = vec![b'x'; 300_000];
        let sent = text.clone();
        let thread = std::thread::spawn(move || writer.write_all(&sent).unwrap());
        assert_eq!(read_document(&reader, Deadline::never(), |_| false).unwrap(), text);
        thread.join().unwrap();
    }

    #[test]
    fn a_complete_text_does_not_wait_for_a_forgetful_writer() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"{}").unwrap();
        let text = read_document(&reader, Deadline::never(), |text| text == b"{}").unwrap();
        assert_eq!(text, b"{}");
        drop(writer);
    }

    #[test]
    fn a_deadline_ends_the_wait_for_the_rest() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"{").unwrap();
        let deadline = Deadline::after(Duration::from_millis(1));
        assert_eq!(read_document(&reader, deadline, |_| false).unwrap(), b"{");
        drop(writer);
    }
}
