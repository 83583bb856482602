//! `install/install.sh`, which builds nothing here: what it calls `cargo` and `rustc` are scripts.

use std::process::Output;

use crate::cph::Cph;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/install/install.sh");

/// Writes down how it was called, and gives the program under test, unless it cannot build for this target.
const CARGO: &str = r#"target=
for word; do
  [ "$last" != --target ] || target=$word
  last=$word
done
echo "target=$target flags=$RUSTFLAGS" >> "$LOG"
case " $FAILING " in *" ${target:-ordinary} "*) exit 1 ;; esac
mkdir -p "$CARGO_TARGET_DIR/$target/release"
cp CPH "$CARGO_TARGET_DIR/$target/release/cph""#;

/// Answers for a system, and has the libraries of these targets.
const RUSTC: &str = r#"case "$*" in
  -vV) echo "host: $HOST" ;;
  *--target*) echo "$LIBRARIES/${*##* }" ;;
  *) echo "$LIBRARIES/$HOST/lib" ;;
esac"#;

const HOST: &str = "x86_64-unknown-linux-gnu";
const MUSL: &str = "x86_64-unknown-linux-musl";

/// A machine of this kind, with Rust for some targets.
fn machine(host: &str, targets: &[&str]) -> Cph {
    let cph = Cph::new();
    let at = |name: &str| cph.path(name).display().to_string();
    let (target, log, libraries) = (at("tmp/target"), at("tmp/log"), at("tmp/libraries"));
    for target in targets {
        std::fs::create_dir_all(cph.path("tmp/libraries").join(target)).unwrap();
    }
    cph.program("cargo", &CARGO.replace("CPH", env!("CARGO_BIN_EXE_cph")))
        .program("rustc", RUSTC)
        .program("musl-gcc", "exit 1")
        .env("CARGO_TARGET_DIR", &target)
        .env("LOG", &log)
        .env("HOST", host)
        .env("LIBRARIES", &libraries)
}

/// Installs into a directory of its own.
fn script(cph: &Cph, words: &[&str]) -> Output {
    let prefix = cph.path("home/prefix");
    cph.command(SCRIPT).args(words).arg("--prefix").arg(prefix).output().unwrap()
}

/// What was built in turn: targets, static or not; and what was said about it.
fn built(cph: &Cph) -> (Vec<String>, String) {
    let ran = script(cph, &[]);
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success(), "{said}");
    assert!(cph.path("home/prefix/bin/cph").exists());
    let line = |line: &str| {
        let (target, flags) = line.strip_prefix("target=").unwrap().split_once(" flags=").unwrap();
        let is_static = flags.contains("+crt-static") && flags.contains("install/hot.ld");
        assert!(is_static || flags.is_empty(), "{flags}");
        format!("{target}{}", if is_static { ", static" } else { "" })
    };
    (cph.read("tmp/log").unwrap().lines().map(line).collect(), said)
}

#[test]
fn what_is_installed_is_found_by_the_shell_and_taken_back_whole() {
    let cph = machine("some-other-system", &[]);
    let install = |more: &[&str]| {
        let ran = script(&cph, more);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    };
    install(&[]);
    for (name, text) in [
        ("share/bash-completion/completions/cph", "complete "),
        ("share/zsh/site-functions/_cph", "#compdef cph"),
        ("share/fish/vendor_completions.d/cph.fish", "complete "),
        ("share/cph/schemas/hooks.schema.json", "urn:cph:schema:hooks"),
        ("share/man/man1/cph.1", ".TH cph 1"),
        ("share/man/man1/cph-install.1", ".TH cph-install 1"),
    ] {
        let found = cph.read(&format!("home/prefix/{name}")).unwrap_or_default();
        assert!(found.contains(text), "{name}: {found}");
    }
    std::fs::write(cph.path("home/prefix/share/man/man1/cph-other.1"), "of somebody else").unwrap();
    install(&["--uninstall"]);
    let left: Vec<_> = cph.files().into_iter().map(|(path, _)| path).collect();
    assert_eq!(left, [cph.path("home/prefix/share/man/man1/cph-other.1")]);
}

#[test]
fn the_program_is_linked_with_musl_where_that_is_possible() {
    let (targets, said) = built(&machine(HOST, &[MUSL]));
    assert_eq!(targets, [format!("{MUSL}, static")]);
    assert!(!said.contains("rustup"), "{said}");
    let (targets, _) =
        built(&machine("armv7-unknown-linux-gnueabihf", &["armv7-unknown-linux-musleabihf"]));
    assert_eq!(targets, ["armv7-unknown-linux-musleabihf, static"]);
    let (targets, _) = built(&machine(MUSL, &[MUSL]));
    assert_eq!(targets, [format!("{MUSL}, static")]);
}

#[test]
fn where_musl_is_missing_it_is_said_what_to_do() {
    let (targets, said) = built(&machine(HOST, &[]));
    assert_eq!(targets, [format!("{HOST}, static")]);
    assert!(
        said.contains(&format!("rustup target add {MUSL}")) && said.contains("musl-tools"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_linked_is_built_in_another_way() {
    let cph = machine(HOST, &[MUSL]).env("FAILING", MUSL);
    assert_eq!(built(&cph).0, [format!("{MUSL}, static"), format!("{HOST}, static")]);
    let cph = machine(HOST, &[MUSL]).env("FAILING", &format!("{MUSL} {HOST}"));
    let (targets, said) = built(&cph);
    assert_eq!(targets, [format!("{MUSL}, static"), format!("{HOST}, static"), String::new()]);
    assert!(said.contains("no static program"), "{said}");
    let cph = machine(HOST, &[]).env("FAILING", &format!("{HOST} ordinary"));
    let ran = script(&cph, &[]);
    assert!(!ran.status.success() && !cph.path("home/prefix/bin/cph").exists());
}
