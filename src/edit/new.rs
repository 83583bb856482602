//! A hook that is to be written.

use std::time::Duration;

use crate::json::write::{object, quote};

/// What a new entry says.
#[derive(Clone, Debug, Default)]
pub(crate) struct New {
    /// As it is to stand in the file.
    pub(crate) event: String,
    pub(crate) matcher: Option<String>,
    pub(crate) paths: Vec<String>,
    pub(crate) command: String,
    /// Without a shell, if there are any.
    pub(crate) args: Vec<String>,
    pub(crate) id: Option<String>,
    pub(crate) condition: Option<String>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) order: Option<i64>,
    pub(crate) gate: bool,
    pub(crate) is_async: bool,
    /// `onFailure: "block"`.
    pub(crate) fails_closed: bool,
}

impl New {
    /// The whole group, as JSON.
    pub(super) fn group(&self) -> String {
        let list = |items: &[String]| {
            let items: Vec<_> = items.iter().map(|item| quote(item)).collect();
            format!("[{}]", items.join(","))
        };
        let handler = self.handler(&list);
        let hooks = format!("[{handler}]");
        let matcher = self.matcher.as_deref().map(quote);
        let paths = (!self.paths.is_empty()).then(|| list(&self.paths));
        let members = [("matcher", matcher), ("paths", paths), ("hooks", Some(hooks))];
        text(&members)
    }

    fn handler(&self, list: &dyn Fn(&[String]) -> String) -> String {
        let flag = |is_set: bool| is_set.then(|| "true".to_owned());
        text(&[
            ("type", Some(quote("command"))),
            ("id", self.id.as_deref().map(quote)),
            ("if", self.condition.as_deref().map(quote)),
            ("command", Some(quote(&self.command))),
            ("args", (!self.args.is_empty()).then(|| list(&self.args))),
            ("timeout", self.timeout.map(|limit| limit.as_secs_f64().to_string())),
            ("order", self.order.map(|order| order.to_string())),
            ("gate", flag(self.gate)),
            ("async", flag(self.is_async)),
            ("onFailure", self.fails_closed.then(|| quote("block"))),
        ])
    }
}

fn text(members: &[(&str, Option<String>)]) -> String {
    let said = members.iter().filter_map(|(key, value)| Some((*key, value.as_deref()?)));
    object(said)
}
