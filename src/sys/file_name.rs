//! Names of files that stand for a path, readable and one to one.
//!
//! Knows nothing of what is kept in them. Invariant: two paths never share a name, and a name is
//! one plain component, never hidden. Paths that are too long for a component are told apart by a
//! hash; all others spare it, because the hash asks the processor for its features, which is slow
//! in virtual machines.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Most file systems take 255 bytes; some room is left for a suffix and a temporary name.
const LONGEST: usize = 180;

/// How much of the end of a long path stays readable.
const TAIL: usize = 100;

/// The name for `path`, for example `home+ann+shop` for `/home/ann/shop`.
pub(crate) fn for_path(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    let name = encode(bytes.strip_prefix(b"/").unwrap_or(bytes));
    // A relative path must not be taken for the absolute one.
    let name = if bytes.starts_with(b"/") { name } else { format!("%r{name}") };
    if name.len() <= LONGEST && !name.is_empty() { name } else { hashed(bytes, &name) }
}

fn encode(bytes: &[u8]) -> String {
    let mut name = String::with_capacity(bytes.len() + 8);
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'/' => name.push('+'),
            b'.' if at == 0 => name.push_str("%2E"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => {
                name.push(char::from(byte));
            }
            _ => push_hex(&mut name, byte),
        }
    }
    name
}

/// Elsewhere a `%` is followed by capitals or digits, or by `r`.
fn hashed(bytes: &[u8], name: &str) -> String {
    let mut short = String::from("%h");
    for &byte in &Sha256::digest(bytes)[..16] {
        // Writing to a `String` cannot fail.
        let _ = write!(short, "{byte:02x}");
    }
    short.push('+');
    short.push_str(&name[name.len() - name.len().min(TAIL)..]);
    short
}

fn push_hex(name: &mut String, byte: u8) {
    let _ = write!(name, "%{byte:02X}");
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn name(path: &str) -> String {
        for_path(Path::new(path))
    }

    #[test]
    fn names_are_readable() {
        assert_eq!(name("/home/ann/my-shop_2.0"), "home+ann+my-shop_2.0");
        assert_eq!(name("/home/ann/a b+c%"), "home+ann+a%20b%2Bc%25");
        assert_eq!(name("/.hidden/x"), "%2Ehidden+x");
    }

    #[test]
    fn names_are_one_to_one_and_one_component() {
        let long = "/long/".to_owned() + &"x".repeat(400);
        let other = "/lang/".to_owned() + &"x".repeat(400);
        let wide = "/".to_owned() + &"ä".repeat(90);
        let paths = [
            "/", "", "/a", "a", "/a/b", "/a+b", "/a%2Bb", "/.", "/..", "/.a", "/%h0", &long,
            &other, &wide,
        ];
        let names: HashSet<_> = paths.iter().map(|path| name(path)).collect();
        assert_eq!(names.len(), paths.len());
        for name in names {
            assert!(!name.is_empty() && name.len() <= 255, "{name}");
            assert!(!name.starts_with('.') && !name.contains('/'), "{name}");
        }
    }
}
