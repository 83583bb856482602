//! What a task says, on disk: the beginning as it comes, and the end once it has come.
//!
//! Does not know who speaks. Invariants: the log of a task does not outgrow its limit, but for the
//! end of each further attempt; where something is missing the log says so.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Write},
};

/// Bytes of the log of a task unless its file says otherwise.
pub(super) const USUAL: u64 = 64 << 20;

/// Bytes of the end that are kept, and waited for in memory, at most.
const END: u64 = 1 << 20;

/// Where a task speaks.
#[derive(Debug)]
pub(super) struct Log<W = File> {
    file: W,
    /// Bytes that may still be written as they come.
    room: u64,
    /// Bytes of `end`, at most.
    most: usize,
    /// The last that was said, once there is no room.
    end: VecDeque<u8>,
    /// Bytes of what was said that nobody can read any more.
    left_out: u64,
    /// Nothing was written, or a whole line.
    is_at_line: bool,
}

impl<W: Write> Log<W> {
    /// Goes on behind the `length` bytes that are there already.
    pub(super) fn new(file: W, length: u64, limit: u64) -> Self {
        let end = (limit / 2).min(END);
        Self {
            file,
            room: (limit - end).saturating_sub(length),
            most: usize::try_from(end).unwrap_or(usize::MAX),
            end: VecDeque::new(),
            left_out: 0,
            is_at_line: true,
        }
    }

    /// A line about the log itself.
    pub(super) fn remark(&mut self, text: &str) -> io::Result<()> {
        let before = if self.is_at_line { "" } else { "\n" };
        self.is_at_line = true;
        self.file.write_all(format!("{before}--- {text}\n").as_bytes())
    }

    pub(super) fn write(&mut self, said: &[u8]) -> io::Result<()> {
        let now = usize::try_from(self.room).map_or(said.len(), |room| room.min(said.len()));
        let (now, later) = said.split_at(now);
        if let Some(last) = now.last() {
            self.is_at_line = *last == b'\n';
            // Also when it fails: it is the room that has been used up, not the disk.
            self.room -= now.len() as u64;
            self.file.write_all(now)?;
        }
        self.keep(later)
    }

    /// Keeps the end of what there is no room for.
    fn keep(&mut self, later: &[u8]) -> io::Result<()> {
        let was_whole = self.left_out == 0;
        let skipped = later.len().saturating_sub(self.most);
        self.end.extend(&later[skipped..]);
        let extra = self.end.len().saturating_sub(self.most);
        self.end.drain(..extra);
        self.left_out += (skipped + extra) as u64;
        if was_whole && self.left_out > 0 {
            let most = self.most;
            return self.remark(&format!(
                "the log is full; of the rest the last {most} bytes will follow"
            ));
        }
        Ok(())
    }

    /// Nothing more is said. Gives how many bytes were left out.
    pub(super) fn close(mut self) -> (u64, io::Result<()>) {
        let left_out = self.left_out;
        let said = if left_out > 0 {
            self.remark(&format!("{left_out} bytes are left out here"))
        } else {
            Ok(())
        };
        let end = self.end.make_contiguous();
        let written = said.and_then(|()| self.file.write_all(end));
        (left_out, written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The log after all of it was said, and how much is left out.
    fn log(length: u64, limit: u64, said: &[&str]) -> (String, u64) {
        let mut text = Vec::new();
        let mut log = Log::new(&mut text, length, limit);
        for one in said {
            log.write(one.as_bytes()).unwrap();
        }
        let (left_out, written) = log.close();
        written.unwrap();
        (String::from_utf8(text).unwrap(), left_out)
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        assert_eq!(log(0, 10, &["12345\n", "789"]), ("12345\n789".to_owned(), 0));
        assert_eq!(log(0, 10, &["1234567890"]), ("1234567890".to_owned(), 0));
        assert_eq!(log(0, 10, &[]), (String::new(), 0));
    }

    #[test]
    fn of_more_the_beginning_and_the_end_are_kept() {
        let (text, left_out) = log(0, 10, &["12345", "6789", "0ab\n", "cd"]);
        let wanted = "12345\n--- the log is full; of the rest the last 5 bytes will follow\n\
                      --- 5 bytes are left out here\nab\ncd";
        assert_eq!((text.as_str(), left_out), (wanted, 5));
        // However it is cut into pieces.
        let whole = log(0, 10, &["1234567890ab\ncd"]);
        assert_eq!((whole.0.as_str(), whole.1), (wanted, 5));
    }

    #[test]
    fn what_is_there_already_counts() {
        let (text, left_out) = log(7, 10, &["abcdefg"]);
        assert!(text.starts_with("--- the log is full") && text.ends_with("\ncdefg"), "{text}");
        assert_eq!(left_out, 2);
    }

    #[test]
    fn much_more_than_the_limit_needs_no_more_than_the_limit() {
        let line = "x".repeat(1000);
        let said: Vec<&str> = (0..1000).map(|_| line.as_str()).collect();
        let (text, left_out) = log(0, 20_000, &said);
        assert!(text.len() < 20_200, "{}", text.len());
        assert_eq!(left_out, 980_000);
    }
}
