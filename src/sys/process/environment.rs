//! The environment of a process: what many have alike, which is put together once, and its own.
//!
//! Knows nothing of what the variables mean. Invariant: a variable has one value, and its own comes
//! before that of all.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    os::unix::ffi::OsStrExt as _,
    sync::Arc,
};

/// Environment by their names.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    common: Arc<Common>,
    own: BTreeMap<OsString, OsString>,
}

/// As the system takes them.
#[derive(Default)]
pub(super) struct Common {
    /// `NAME=value`, each with the NUL that ends it.
    bytes: Vec<u8>,
    /// In the order of their names.
    places: Vec<Place>,
}

/// Where a variable stands: its name, and behind one byte its value.
struct Place {
    start: usize,
    name_ends: usize,
    ends: usize,
}

impl Environment {
    /// What many processes are to have alike.
    pub(crate) fn common(all: BTreeMap<OsString, OsString>) -> Self {
        // What the system cannot take is told of by who starts a process.
        let is_one = |text: &OsStr| !text.as_bytes().contains(&0);
        let (sound, own): (BTreeMap<_, _>, _) =
            all.into_iter().partition(|(name, value)| is_one(name) && is_one(value));
        let mut common = Common::default();
        for (name, value) in &sound {
            let start = common.bytes.len();
            common.bytes.extend_from_slice(name.as_bytes());
            let name_ends = common.bytes.len();
            common.bytes.push(b'=');
            common.bytes.extend_from_slice(value.as_bytes());
            let ends = common.bytes.len();
            common.bytes.push(0);
            common.places.push(Place { start, name_ends, ends });
        }
        Self { common: Arc::new(common), own }
    }

    pub(crate) fn get(&self, name: &OsStr) -> Option<&OsStr> {
        let own = self.own.get(name).map(OsString::as_os_str);
        own.or_else(|| Some(self.common.pair(&self.common.places[self.common.find(name)?]).1))
    }

    pub(crate) fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.own.insert(name.into(), value.into());
    }

    /// All of them; its own come last.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        let is_own = |name: &OsStr| self.own.contains_key(name);
        let common = self.common.pairs().filter(move |(name, _)| !is_own(name));
        common.chain(self.own.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str())))
    }

    /// Keeps those that `is_wanted` by their names.
    pub(crate) fn retain(&mut self, is_wanted: impl Fn(&OsStr) -> bool) {
        let kept = self.iter().filter(|(name, _)| is_wanted(name));
        *self = kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    }

    /// What all have alike, which of these the process has not, by their places, and its own.
    pub(super) fn parts(&self) -> (Arc<Common>, Vec<usize>, &BTreeMap<OsString, OsString>) {
        let mut hidden: Vec<_> =
            self.own.keys().filter_map(|name| self.common.find(name)).collect();
        hidden.sort_unstable();
        (Arc::clone(&self.common), hidden, &self.own)
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(pairs: I) -> Self {
        pairs.into_iter().collect::<BTreeMap<_, _>>().into()
    }
}

impl From<BTreeMap<OsString, OsString>> for Environment {
    fn from(own: BTreeMap<OsString, OsString>) -> Self {
        Self { own, ..Self::default() }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Their values may be secret.
        f.debug_set().entries(self.own.keys()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Common {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Common").finish_non_exhaustive()
    }
}

impl Common {
    fn find(&self, name: &OsStr) -> Option<usize> {
        let name = name.as_bytes();
        self.places
            .binary_search_by(|place| self.bytes[place.start..place.name_ends].cmp(name))
            .ok()
    }

    fn pair(&self, place: &Place) -> (&OsStr, &OsStr) {
        let name = &self.bytes[place.start..place.name_ends];
        let value = &self.bytes[place.name_ends + 1..place.ends];
        (OsStr::from_bytes(name), OsStr::from_bytes(value))
    }

    fn pairs(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.places.iter().map(|place| self.pair(place))
    }

    /// `NAME=value` of each but the hidden ones, each with the NUL that ends it.
    pub(super) fn texts(&self, hidden: &[usize]) -> impl Iterator<Item = &[u8]> {
        let is_there = move |(index, _): &(usize, &Place)| !hidden.contains(index);
        let shown = self.places.iter().enumerate().filter(is_there);
        shown.map(|(_, place)| &self.bytes[place.start..=place.ends])
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    fn map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<OsString, OsString> {
        pairs.map(|(name, value)| (name.into(), value.into())).into()
    }

    fn texts(variables: &Environment) -> Vec<&str> {
        let hidden = variables.parts().1;
        let texts = variables.common.texts(&hidden).map(<[u8]>::to_vec).collect::<Vec<_>>();
        texts
            .into_iter()
            .map(|text| String::leak(String::from_utf8(text).unwrap()) as &str)
            .collect()
    }

    #[test]
    fn its_own_comes_before_that_of_all() {
        let all = Environment::common(map([("B", "=b="), ("A", ""), ("A_", "x")]));
        let mut one = all.clone();
        one.set("A_", "y");
        one.set("C", "c");
        let get = |variables: &Environment, name: &str| {
            variables.get(OsStr::new(name)).map(|value| value.to_str().unwrap().to_owned())
        };
        let found = |variables| ["A", "A_", "B", "C", ""].map(|name| get(variables, name));
        let told = |values: [Option<&str>; 5]| values.map(|value| value.map(str::to_owned));
        assert_eq!(found(&all), told([Some(""), Some("x"), Some("=b="), None, None]));
        assert_eq!(found(&one), told([Some(""), Some("y"), Some("=b="), Some("c"), None]));
        let all_of_one: Vec<_> = one.iter().map(|(_, value)| value.to_str().unwrap()).collect();
        assert_eq!(all_of_one, ["", "=b=", "y", "c"]);
        let mut few = one.clone();
        few.retain(|name| name != "A_" && name != "B");
        assert_eq!(few.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["A", "C"]);
        assert_eq!(texts(&all), ["A=\0", "A_=x\0", "B==b=\0"]);
        assert_eq!(texts(&one), ["A=\0", "B==b=\0"]);
        let own = one.parts().2;
        assert_eq!(*own, map([("A_", "y"), ("C", "c")]));
    }

    #[test]
    fn what_the_system_cannot_take_is_left_to_who_starts() {
        let odd = OsString::from_vec(b"a\0b".to_vec());
        let mut pairs = map([("A", "1")]);
        pairs.insert("B".into(), odd.clone());
        let variables = Environment::common(pairs);
        assert_eq!(texts(&variables), ["A=1\0"]);
        assert_eq!(variables.get(OsStr::new("B")), Some(&*odd));
    }
}
