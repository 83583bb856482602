//! Who may say what.

use super::*;
use crate::{
    config::read::{Belongs, Want, read},
    source::SourceFile,
};

fn said(layer: Layer, fields: &str) -> (Layer, Integration) {
    let file =
        SourceFile::new(format!("{layer}.json"), format!("{{\"integration\":{{{fields}}}}}"));
    let read = read(&file, Belongs { layer, owner: None }, Want::All);
    assert!(read.diagnostics.is_empty(), "{:?}", read.diagnostics);
    (layer, read.integration)
}

#[test]
fn defaults_hold_where_nobody_speaks() {
    let none = Integration::default();
    assert!(none.is_claude_code_aware());
    assert_eq!(none.strategy(), Strategy::default());
    assert_eq!(none.dedup_window(), Duration::from_secs(2));
    assert_eq!((none.handover().as_secs(), none.live().as_secs()), (30, 600));
    assert_eq!((none.max_depth(), none.sync(), none.scripts()), (4, Sync::Tell, Scripts::Tell));
    assert!(none.may_post("http://x", Layer::Project) && none.may_send("X", Layer::User));
}

#[test]
fn later_layers_win_field_by_field() {
    let joined = Integration::joined([
        said(Layer::User, r#""deduplication_strategy":"both","claude_code_aware":false"#),
        said(Layer::Project, r#""deduplication_strategy":"first_wins","presets":["a","b"]"#),
        said(Layer::Local, r#""live_s":5,"presets":["b","c"]"#),
    ]);
    assert_eq!(joined.strategy(), Strategy::FirstWins);
    assert!(!joined.is_claude_code_aware());
    assert_eq!(joined.live().as_secs(), 5);
    let presets: Vec<_> = joined.presets.iter().map(|p| p.value.as_str()).collect();
    assert_eq!(presets, ["a", "b", "c"]);
    assert_eq!(joined.strategy.unwrap().origin.layer, Layer::Project);
}

#[test]
fn a_project_cannot_loosen_what_the_user_tightened() {
    let user = r#""dedup_window_ms":500,"handover_s":10,"max_depth":2,"sync":"tell",
        "trust":{"scripts":"strict"},"allowed_http_hook_urls":["https://a.example/*"]"#;
    let project = r#""dedup_window_ms":300,"handover_s":90,"max_depth":9,"sync":"auto",
        "trust":{"scripts":"tell"},"allowed_http_hook_urls":["https://a.example/x/*","http://b/"]"#;
    let local = r#""dedup_window_ms":60000"#;
    let joined = Integration::joined([
        said(Layer::User, user),
        said(Layer::Project, project),
        said(Layer::Local, local),
    ]);
    assert_eq!(joined.dedup_window().as_millis(), 500);
    assert_eq!((joined.handover().as_secs(), joined.max_depth()), (10, 2));
    assert_eq!((joined.sync(), joined.scripts()), (Sync::Tell, Scripts::Strict));
    assert!(joined.may_post("https://a.example/y", Layer::User), "the project's list is its own");
    assert!(!joined.may_post("https://a.example/y", Layer::Project));
    assert!(joined.may_post("https://a.example/x/1", Layer::Project));
    assert!(!joined.may_post("http://b/", Layer::Project));
    let alone = Integration::joined([said(Layer::Project, r#""max_depth":9"#)]);
    assert_eq!(alone.max_depth(), 4);
}

#[test]
fn wrong_values_are_explained() {
    let text = r#"{"integration":{"deduplication_strategy":"firstwins","sync":7,"live_s":-1,
        "max_depth":"3","handovr_s":1,"allowed_http_hook_urls":7}}"#;
    let file = SourceFile::new("f", text);
    let read = read(&file, Belongs { layer: Layer::User, owner: None }, Want::All);
    let rules: Vec<_> = read.diagnostics.iter().map(|d| d.rule.name).collect();
    assert_eq!(
        rules,
        [
            "unknown-value",
            "out-of-range",
            "field-type",
            "unknown-value",
            "field-type",
            "unknown-key"
        ]
    );
    assert_eq!(read.diagnostics[0].help.as_deref(), Some("did you mean \"first_wins\"?"));
    assert!(!read.integration.may_post("http://x", Layer::User), "a broken list allows nothing");
}

#[test]
fn patterns_fit_as_wholes() {
    for (pattern, text, is_fit) in [
        ("a", "a", true),
        ("a", "ab", false),
        ("*", "", true),
        ("https://*.x/*", "https://a.x/b", true),
        ("https://*.x/*", "https://a.y/b", false),
        ("a*a", "a", false),
        ("*b*", "abc", true),
        ("a*b*c", "abbc", true),
        ("a*b*c", "acb", false),
    ] {
        assert_eq!(fits(pattern, text), is_fit, "{pattern} {text}");
    }
}
