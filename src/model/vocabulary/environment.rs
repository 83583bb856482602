//! What of a payload becomes environment variables of its hooks.
//!
//! Does not know the environment that they are added to. Invariants: no variable that changes
//! what a program is or does by itself comes from a payload; what is returned can always be
//! handed to a process (no NUL byte, not too long): a hook must not fail to start for it.

use std::{borrow::Cow, collections::BTreeMap};

use super::fields::fields_of;
use crate::{
    json::{Kind, Node},
    model::{Event, Payload, Processor},
};

/// A value with more bytes is left out: the kernel starts no process with one of 128 KiB.
pub(crate) const LONGEST_VALUE: usize = 32 * 1024;

/// When names and values together have more bytes, the rest is left out.
pub(crate) const MOST_BYTES: usize = 128 * 1024;

/// Names that no payload may set; `*` stands for any ending. They decide which program is found,
/// what it loads, whom it trusts, or who cph and Claude Code think they are.
pub(crate) const DENIED: &[&str] = &[
    "ALL_PROXY",
    "ANTHROPIC_*",
    "AWS_*",
    "BASH*",
    "BROWSER",
    "BUN_*",
    "CARGO*",
    "CC",
    "CDPATH",
    "CLASSPATH",
    "CLAUDE*",
    "CONDA*",
    "CPH_*",
    "CURL_*",
    "CXX",
    "DBUS_*",
    "DENO_*",
    "DISPLAY",
    "DOCKER_*",
    "DOTNET_*",
    "DYLD_*",
    "EDITOR",
    "ENV",
    "EUID",
    "EXECIGNORE",
    "FPATH",
    "GCONV_PATH",
    "GEM_*",
    "GIT_*",
    "GLIBC_*",
    "GLOBIGNORE",
    "GOENV",
    "GOFLAGS",
    "GOPATH",
    "GOPROXY",
    "GOROOT",
    "GRADLE_OPTS",
    "HOME",
    "HOSTALIASES",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "IFS",
    "JAVA_*",
    "JDK_*",
    "KUBECONFIG",
    "LANG",
    "LC_*",
    "LD_*",
    "LESS*",
    "LOCPATH",
    "LOGNAME",
    "LUA_*",
    "MAKEFILES",
    "MAKEFLAGS",
    "MALLOC_*",
    "MANPAGER",
    "MAVEN_OPTS",
    "NLSPATH",
    "NODE_*",
    "NO_PROXY",
    "NPM_*",
    "OLDPWD",
    "OPENSSL_*",
    "PAGER",
    "PATH",
    "PERL*",
    "PHP*",
    "PIP_*",
    "PPID",
    "PROMPT_COMMAND",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
    "PWD",
    "PYTHON*",
    "REQUESTS_CA_BUNDLE",
    "RESOLV_HOST_CONF",
    "RUBY*",
    "RUST*",
    "SHELL",
    "SHELLOPTS",
    "SHLVL",
    "SSH_*",
    "SSL_*",
    "SUDO_*",
    "TEMP",
    "TERM",
    "TERMCAP",
    "TERMINFO*",
    "TMP",
    "TMPDIR",
    "TZ",
    "TZDIR",
    "UID",
    "USER",
    "UV_*",
    "VIRTUAL_ENV",
    "VISUAL",
    "XAUTHORITY",
    "XDG_*",
    "ZDOTDIR",
];

/// The variables that hooks get from a payload, by name.
///
/// `CPH_EVENT` and `CPH_FIRED_BY` always. Of an orchestrator's payload also the variables of its
/// fields, and every member with an upper-case name and a scalar value; a field goes before a
/// member of the variable's name. Claude Code's payloads give nothing else: `TASK_ID` and the
/// like that its process inherited from an orchestrator stay as they are.
pub(crate) fn environment(
    payload: &Payload,
    event: &Event,
    fired_by: Processor,
) -> Vec<(String, String)> {
    let mut told = Variables::default();
    if fired_by == Processor::TaskOrchestrator {
        for field in fields_of(event) {
            told.add(field.variable, payload.node(field.name));
        }
        for name in payload.keys().filter(|name| is_variable(name) && !is_denied(name)) {
            told.add(Some(name), payload.node(name));
        }
    }
    let own = [("CPH_EVENT", event.name_or_own(fired_by)), ("CPH_FIRED_BY", fired_by.name())];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    told.values.into_iter().chain(own).collect()
}

/// Variables that fit together into an environment.
#[derive(Default)]
struct Variables {
    values: BTreeMap<String, String>,
    bytes: usize,
}

impl Variables {
    /// Adds one that is not there yet, if it has a name and a value and there is room.
    fn add(&mut self, name: Option<&str>, value: Option<Node<'_>>) {
        let (Some(name), Some(value)) = (name, value.and_then(scalar)) else { return };
        // As the kernel counts: with `=` and a NUL byte.
        let bytes = self.bytes + name.len() + value.len() + 2;
        let fits = value.len() <= LONGEST_VALUE && bytes <= MOST_BYTES;
        if fits && !self.values.contains_key(name) {
            self.values.insert(name.to_owned(), value.into_owned());
            self.bytes = bytes;
        }
    }
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

fn is_denied(name: &str) -> bool {
    DENIED.iter().any(|denied| match denied.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *denied,
    })
}

/// A string, or a number or boolean as it was written; nothing that no variable can hold.
fn scalar(node: Node<'_>) -> Option<Cow<'_, str>> {
    let text = match node.kind() {
        Kind::String => node.as_str()?,
        Kind::Number | Kind::Bool => node.raw().into(),
        Kind::Null | Kind::Array | Kind::Object => return None,
    };
    (!text.contains('\0')).then_some(text)
}
