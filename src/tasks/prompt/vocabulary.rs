//! The words by which a request is known. Tables only.

use super::Kind;

/// What can be done with each of several things on its own, without the others.
pub(super) const TREAT: &[&str] = &[
    "analyse",
    "analyze",
    "annotate",
    "assess",
    "audit",
    "backfill",
    "benchmark",
    "check",
    "classify",
    "clean",
    "compile",
    "compress",
    "convert",
    "debug",
    "decode",
    "deploy",
    "describe",
    "digest",
    "document",
    "encode",
    "evaluate",
    "examine",
    "extract",
    "fix",
    "format",
    "fuzz",
    "grade",
    "harden",
    "implement",
    "improve",
    "index",
    "inspect",
    "instrument",
    "investigate",
    "label",
    "lint",
    "localize",
    "migrate",
    "minify",
    "modernise",
    "modernize",
    "optimise",
    "optimize",
    "parse",
    "port",
    "process",
    "profile",
    "proofread",
    "refactor",
    "reformat",
    "reproduce",
    "research",
    "review",
    "rewrite",
    "run",
    "scan",
    "score",
    "simplify",
    "solve",
    "split",
    "summarise",
    "summarize",
    "test",
    "tidy",
    "transcribe",
    "transform",
    "translate",
    "triage",
    "update",
    "upgrade",
    "validate",
    "verify",
];

/// What makes something new: the items are what it is made for, or they are made themselves.
pub(super) const MAKE: &[&str] = &[
    "add", "build", "collect", "compute", "create", "design", "draft", "estimate", "find",
    "generate", "make", "measure", "plan", "prepare", "produce", "write",
];

/// With which a request may begin before its verb.
pub(super) const POLITE: &[&str] = &[
    "please", "pls", "hi", "hey", "hello", "ok", "okay", "now", "kindly", "just", "next", "also",
    "so", "go", "ahead", "and", "task", "todo", "for", "claude", "today", "let's", "lets",
];

/// Ways to ask for something with a pronoun, as a question; each ends before the verb.
pub(super) const ASKING: &[&[&str]] =
    &[&["can", "you"], &["could", "you"], &["would", "you"], &["will", "you"]];

/// The same without a question. "I need to" and "you should" tell of something else as often.
pub(super) const TELLING: &[&[&str]] = &[
    &["i", "want", "you", "to"],
    &["i", "need", "you", "to"],
    &["i'd", "like", "you", "to"],
    &["i", "would", "like", "you", "to"],
    &["we", "need", "to"],
];

/// Of [`TREAT`]: what leaves its thing changed. Everything in [`MAKE`] does.
pub(super) const CHANGE: &[&str] = &[
    "clean",
    "convert",
    "document",
    "fix",
    "format",
    "harden",
    "implement",
    "improve",
    "instrument",
    "migrate",
    "modernise",
    "modernize",
    "optimise",
    "optimize",
    "port",
    "refactor",
    "reformat",
    "rewrite",
    "simplify",
    "tidy",
    "update",
    "upgrade",
];

/// Before the place in which something is changed.
pub(super) const INSIDE: &[&str] = &["in", "to", "of", "into", "inside", "within"];

pub(super) const DETERMINERS: &[&str] = &["the", "our", "my", "this", "that", "your"];

/// Adverbs that say how, and belong to no item.
pub(super) const MANNER: &[&str] =
    &["separately", "individually", "independently", "concurrently", "simultaneously"];

/// Said of what there is one of for each item.
pub(super) const PER: &[&str] = &["each", "per", "every"];

/// One answer is wanted of all items together.
pub(super) const TOGETHER: &[&[&str]] = &[
    &["which", "one"],
    &["which", "of"],
    &["the", "best"],
    &["recommend"],
    &["rank"],
    &["compare"],
    &["choose"],
    &["decide"],
    &["to", "share"],
    &["that", "share"],
    &["they", "share"],
    &["same", "cause"],
    &["same", "reason"],
    &["same", "root"],
    &["same", "bug"],
    &["same", "problem"],
    &["because", "of", "the", "same"],
    &["end", "to", "end"],
    &["among", "them"],
    &["between", "them"],
];

/// The same, unless it is said that there is one for each.
pub(super) const IN_ONE: &[&[&str]] = &[&["in", "one"], &["in", "a", "single"], &["as", "one"]];

/// A sentence with one of these asks for no such thing, or not only.
pub(super) const NOT: &[&str] = &[
    "not",
    "don't",
    "dont",
    "never",
    "no",
    "cannot",
    "can't",
    "shouldn't",
    "won't",
    "without",
    "except",
    "but",
    "skip",
    "ignore",
    "avoid",
    "leave",
    "unless",
    "instead",
    "neither",
    "nor",
    "or",
    "stop",
    "exclude",
    "excluding",
];

/// Behind them stands what is said about the list, not what is to be done with it.
pub(super) const SUBORDINATE: &[&str] = &[
    "that",
    "if",
    "when",
    "where",
    "which",
    "who",
    "whose",
    "because",
    "since",
    "while",
    "why",
    "how",
    "what",
    "whether",
    "so",
    "until",
    "as",
    "using",
    "via",
    "covering",
    "about",
    "like",
    "called",
    "named",
    "containing",
];

/// Words before a list that take its items together.
pub(super) const JOINT: &[&str] = &[
    "between",
    "across",
    "among",
    "duplicate",
    "duplicated",
    "shared",
    "common",
    "relationship",
    "relation",
    "difference",
    "differences",
    "interaction",
    "interactions",
    "architecture",
    "combined",
    "together",
    "single",
    "one",
    "discussion",
    "comparison",
    "integration",
    "dependencies",
];

/// Words behind a list that take its items together, or make the list the subject.
pub(super) const JOINT_AFTER: &[&str] = &[
    "together",
    "combined",
    "interact",
    "are",
    "is",
    "was",
    "were",
    "have",
    "has",
    "had",
    "look",
    "looks",
    "fail",
    "fails",
    "failed",
    "work",
    "works",
    "do",
    "does",
    "did",
    "all",
    "share",
    "twice",
    "altogether",
    "jointly",
    "against",
];

/// Said of work that goes in parallel.
pub(super) const APART: &[&str] = &[
    "each",
    "separately",
    "individually",
    "independently",
    "independent",
    "concurrently",
    "simultaneously",
    "respectively",
    "every",
    "apiece",
];

/// Prepositions through which a verb may reach its list.
pub(super) const REACH: &[&str] = &["of", "in", "on", "for", "to", "from", "at", "with"];

pub(super) const ARTICLES: &[&str] = &["a", "an", "one", "another", "my"];

/// Things of which there are many and each stands alone: plural, singular, kind.
pub(super) const THINGS: &[(&str, &str, Kind)] = &[
    ("files", "file", Kind::File),
    ("documents", "document", Kind::File),
    ("docs", "doc", Kind::File),
    ("images", "image", Kind::File),
    ("scripts", "script", Kind::File),
    ("recordings", "recording", Kind::File),
    ("datasets", "dataset", Kind::File),
    ("papers", "paper", Kind::File),
    ("notebooks", "notebook", Kind::File),
    ("logs", "log", Kind::File),
    ("modules", "module", Kind::Module),
    ("packages", "package", Kind::Module),
    ("crates", "crate", Kind::Module),
    ("services", "service", Kind::Module),
    ("microservices", "microservice", Kind::Module),
    ("classes", "class", Kind::Module),
    ("components", "component", Kind::Module),
    ("controllers", "controller", Kind::Module),
    ("libraries", "library", Kind::Module),
    ("workspaces", "workspace", Kind::Module),
    ("plugins", "plugin", Kind::Module),
    ("projects", "project", Kind::Module),
    ("repos", "repo", Kind::Module),
    ("repositories", "repository", Kind::Module),
    ("databases", "database", Kind::Module),
    ("suites", "suite", Kind::Module),
    ("apps", "app", Kind::Module),
    ("endpoints", "endpoint", Kind::Text),
    ("reports", "report", Kind::Text),
    ("chapters", "chapter", Kind::Text),
    ("pages", "page", Kind::Text),
    ("sections", "section", Kind::Text),
    ("batches", "batch", Kind::Text),
    ("problems", "problem", Kind::Text),
    ("experiments", "experiment", Kind::Text),
    ("essays", "essay", Kind::Text),
    ("lessons", "lesson", Kind::Text),
    ("tickets", "ticket", Kind::Text),
    ("issues", "issue", Kind::Text),
    ("bugs", "bug", Kind::Text),
    ("prs", "PR", Kind::Text),
    ("shards", "shard", Kind::Text),
    ("partitions", "partition", Kind::Text),
    ("samples", "sample", Kind::Text),
    ("invoices", "invoice", Kind::Text),
    ("years", "year", Kind::Text),
    ("meetings", "meeting", Kind::Text),
    ("volumes", "volume", Kind::Text),
    ("episodes", "episode", Kind::Text),
    ("exercises", "exercise", Kind::Text),
    ("features", "feature", Kind::Text),
    ("topics", "topic", Kind::Text),
    ("flows", "flow", Kind::Text),
    ("aspects", "aspect", Kind::Text),
    ("targets", "target", Kind::Text),
    ("environments", "environment", Kind::Text),
    ("languages", "language", Kind::Text),
    ("countries", "country", Kind::Text),
    ("cities", "city", Kind::Text),
    ("regions", "region", Kind::Text),
    ("companies", "company", Kind::Text),
    ("articles", "article", Kind::Text),
    ("interviews", "interview", Kind::Text),
    ("contracts", "contract", Kind::Text),
    ("quarters", "quarter", Kind::Text),
    ("models", "model", Kind::Text),
    ("proposals", "proposal", Kind::Text),
    ("tools", "tool", Kind::Text),
    ("frameworks", "framework", Kind::Text),
    ("vendors", "vendor", Kind::Text),
    ("products", "product", Kind::Text),
    ("customers", "customer", Kind::Text),
    ("candidates", "candidate", Kind::Text),
    ("teams", "team", Kind::Text),
    ("tests", "test", Kind::Text),
    ("errors", "error", Kind::Text),
    ("requests", "request", Kind::Text),
    ("submissions", "submission", Kind::Text),
    ("commits", "commit", Kind::Text),
    ("posts", "post", Kind::Text),
    ("emails", "email", Kind::Text),
    ("slides", "slide", Kind::Text),
    ("videos", "video", Kind::File),
    ("photos", "photo", Kind::File),
    ("letters", "letter", Kind::Text),
    ("recipes", "recipe", Kind::Text),
    ("students", "student", Kind::Text),
    ("surveys", "survey", Kind::Text),
    ("hosts", "host", Kind::Text),
];

/// The kind and the singular of a plural.
pub(super) fn thing(plural: &str) -> Option<(&'static str, Kind)> {
    let known = THINGS.iter().find(|(many, _, _)| many.eq_ignore_ascii_case(plural));
    known.map(|&(_, one, kind)| (one, kind))
}

/// Anywhere in a prompt: what comes later needs what came before.
pub(super) const ORDERED: &[&[&str]] = &[
    &["then"],
    &["finally"],
    &["afterwards"],
    &["sequentially"],
    &["after", "that"],
    &["after", "this"],
    &["after", "which"],
    &["in", "order"],
    &["in", "this", "order"],
    &["in", "that", "order"],
    &["in", "sequence"],
    &["one", "after", "the", "other"],
    &["one", "after", "another"],
    &["one", "by", "one"],
    &["one", "at", "a", "time"],
    &["step", "by", "step"],
    &["step", "1"],
    &["based", "on"],
    &["builds", "on"],
    &["build", "on"],
    &["depends", "on"],
    &["depend", "on"],
    &["depending", "on"],
    &["on", "top", "of"],
    &["followed", "by"],
    &["continue", "with"],
    &["end", "with"],
    &["steps"],
    &["the", "previous"],
    &["once", "that"],
];

/// Said before a list of requests that may be done side by side.
pub(super) const SIDE_BY_SIDE: &[&[&str]] = &[
    &["in", "parallel"],
    &["at", "the", "same", "time"],
    &["side", "by", "side"],
    &["independent"],
    &["independently"],
    &["concurrently"],
    &["simultaneously"],
    &["separate", "tasks"],
    &["unrelated"],
    &["parallel"],
];
