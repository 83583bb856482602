//! Frames: lines of an append-only file that prove their own completeness.
//!
//! Knows nothing of what is in them. Invariant: whatever prefix of a write reached the file, the
//! frames before it are read unharmed, a torn one counts as none, and frames appended after a torn
//! one are read again: every frame begins and ends with a line end.

use serde::{Serialize, de::DeserializeOwned};

/// What each line begins with; the digits are the version of everything that is framed.
const MAGIC: &str = "cph";
const VERSION: u32 = 1;

/// What a file holds, as far as it is complete.
#[derive(Debug)]
pub(crate) struct Frames<'a> {
    /// The JSON of every complete frame, in the order of writing.
    pub(crate) bodies: Vec<&'a str>,
    /// Something newer than this program has written here.
    pub(crate) is_newer: bool,
}

/// One value as one frame, to be appended by a single write.
pub(crate) fn encode(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut body = serde_json::to_string(value)?;
    if body.contains(['\n', '\r']) {
        // Only raw values can hold line ends, and there only between tokens.
        body = body.replace(['\n', '\r'], " ");
    }
    let sum = checksum(body.as_bytes());
    Ok(format!("\n{MAGIC}{VERSION} {:x} {sum:x} {body}\n", body.len()).into_bytes())
}

/// The complete frames of `bytes`.
pub(crate) fn decode(bytes: &[u8]) -> Frames<'_> {
    let mut frames = Frames { bodies: Vec::new(), is_newer: false };
    for line in bytes.split(|byte| *byte == b'\n') {
        match read_line(line) {
            Some((VERSION, body)) => frames.bodies.push(body),
            Some((version, _)) => frames.is_newer |= version > VERSION,
            None => {}
        }
    }
    frames
}

/// The last complete frame alone, for files in which each frame says everything anew.
pub(crate) fn last(bytes: &[u8]) -> Frames<'_> {
    let mut lines = bytes.rsplit(|byte| *byte == b'\n');
    match lines.find_map(read_line) {
        Some((VERSION, body)) => Frames { bodies: vec![body], is_newer: false },
        Some((version, _)) => Frames { bodies: Vec::new(), is_newer: version > VERSION },
        None => Frames { bodies: Vec::new(), is_newer: false },
    }
}

/// The values of the frames that have the form of `T`.
pub(crate) fn values<T: DeserializeOwned>(frames: &Frames<'_>) -> Vec<T> {
    frames.bodies.iter().filter_map(|body| serde_json::from_str(body).ok()).collect()
}

/// Version and body of a complete line.
fn read_line(line: &[u8]) -> Option<(u32, &str)> {
    let line = std::str::from_utf8(line).ok()?.strip_prefix(MAGIC)?;
    let mut parts = line.splitn(4, ' ');
    let version = parts.next()?.parse().ok()?;
    let length = usize::from_str_radix(parts.next()?, 16).ok()?;
    let sum = u64::from_str_radix(parts.next()?, 16).ok()?;
    let body = parts.next()?;
    (body.len() == length && checksum(body.as_bytes()) == sum).then_some((version, body))
}

/// Eight bytes at a step. It guards against torn writes, not against people: the directory is
/// private. Each step is reversible, so that no single change goes unnoticed.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    bytes.chunks(8).fold(BASIS ^ bytes.len() as u64, |sum, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        let sum = (sum ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR);
        sum ^ (sum >> 32)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    fn file(values: &[String]) -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for value in values {
            bytes.extend(encode(value).unwrap());
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    #[test]
    fn line_ends_between_tokens_do_not_break_a_frame() {
        let raw = RawValue::from_string("{\n  \"a\": \"b\\nc\"\r\n}".to_owned()).unwrap();
        let bytes = encode(&raw).unwrap();
        let read: Vec<serde_json::Value> = values(&decode(&bytes));
        assert_eq!(read, [serde_json::json!({"a": "b\nc"})]);
    }

    #[test]
    fn newer_frames_are_noticed_and_not_guessed() {
        let newer = format!("\ncph2 2 {:x} {{}}\n", checksum(b"{}"));
        let mut bytes = encode(&1).unwrap();
        bytes.extend(newer.as_bytes());
        let frames = decode(&bytes);
        assert!(frames.is_newer);
        assert_eq!(frames.bodies, ["1"]);
    }

    proptest! {
        #[test]
        fn torn_at_every_byte_the_others_live(
            before in prop::collection::vec(".{0,20}", 0..4),
            torn in ".{0,40}",
            after in prop::collection::vec(".{0,20}", 0..4),
        ) {
            let (head, _) = file(&before);
            let (tail, _) = file(&after);
            let middle = encode(&torn).unwrap();
            for cut in 0..=middle.len() {
                let bytes = [&head, &middle[..cut], &tail].concat();
                let mut expected = before.clone();
                // The last byte is only a line end: without it the frame is complete all the same.
                if cut + 1 >= middle.len() {
                    expected.push(torn.clone());
                }
                expected.extend(after.clone());
                let latest = values::<String>(&last(&bytes)).pop();
                prop_assert_eq!(latest.as_ref(), expected.last());
                prop_assert_eq!(values::<String>(&decode(&bytes)), expected);
            }
        }

        #[test]
        fn flipped_bytes_are_never_taken_for_a_frame(
            text in ".{1,40}", at in any::<prop::sample::Index>(), bit in 0..8_u8,
        ) {
            let mut bytes = encode(&text).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let read = values::<String>(&decode(&bytes));
            prop_assert!(read.is_empty() || read == [text]);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            decode(&bytes);
        }
    }
}
