//! Tools of a plugin's own MCP servers, which have other names than those of a project.
//!
//! Reads the manifest of the plugin and its `.mcp.json`, and only where a matcher asks for it.

use std::{collections::BTreeSet, path::Path};

use crate::{
    diag::{Diagnostic, Rule},
    json::{Kind, Node},
    lint::project::{File, Kind as FileKind, Project},
    model::hook::Entry,
    sys::{file, place::canonical},
};

pub(in crate::lint) static MATCHER_PLUGIN_SERVER: Rule = Rule::warning(
    "matcher-plugin-server",
    "a server of the plugin under the name that a project's would have",
    "Tools of MCP servers that a plugin brings along are called `mcp__plugin_PLUGIN_SERVER__TOOL`. A \
     matcher for `mcp__SERVER__TOOL` means a server of the project or the user, so the plugin's own \
     calls pass unseen.",
);

/// More than a manifest needs, in bytes.
const MOST_BYTES: u64 = 1024 * 1024;

/// A plugin and the servers that it brings along, named as in the names of their tools.
struct Manifest {
    name: String,
    servers: BTreeSet<String>,
}

pub(super) fn of_plugin(project: &Project, file: &File, entry: &Entry) -> Option<Diagnostic> {
    let text = entry.matcher.as_deref()?;
    if file.kind != FileKind::Plugin || !text.contains("mcp__") {
        return None;
    }
    let manifest = Manifest::of(&project.root)?;
    let mut right = text.to_owned();
    for server in &manifest.servers {
        let own = format!("mcp__plugin_{}_{server}__", manifest.name);
        right = right.replace(&format!("mcp__{server}__"), &own);
    }
    let wrong = manifest.servers.iter().find(|name| text.contains(&format!("mcp__{name}__")))?;
    let message = format!("`{wrong}` is a server of this plugin, and its tools have another name");
    Some(super::instead(super::at(&MATCHER_PLUGIN_SERVER, message, entry), text, &right))
}

impl Manifest {
    fn of(root: &Path) -> Option<Self> {
        let about = read(root, ".claude-plugin/plugin.json")?;
        let about = Node::document(&about).ok()?;
        let mut servers = names(about.get("mcpServers"));
        if let Some(listed) = read(root, ".mcp.json")
            && let Ok(listed) = Node::document(&listed)
        {
            servers.extend(names(Some(listed.get("mcpServers").unwrap_or(listed))));
        }
        let name = tool_part(about.get("name")?.as_str()?.as_ref());
        Some(Self { name, servers })
    }
}

/// What stands in the root itself; links that lead out of it are not followed.
fn read(root: &Path, path: &str) -> Option<String> {
    let real = root.join(path).canonicalize().ok()?;
    let (bytes, _) =
        file::read(&real, MOST_BYTES).ok().filter(|_| real.starts_with(canonical(root)))?;
    String::from_utf8(bytes).ok()
}

fn names(servers: Option<Node<'_>>) -> BTreeSet<String> {
    let members = servers.map(|servers| servers.members()).unwrap_or_default();
    let is_server = |value: Node<'_>| value.kind() == Kind::Object;
    members.iter().filter(|one| is_server(one.value)).map(|one| tool_part(&one.key)).collect()
}

/// As a name stands in those of tools: other signs become `_`.
fn tool_part(name: &str) -> String {
    let sign = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    name.chars().map(sign).collect()
}
