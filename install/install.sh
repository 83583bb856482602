#!/bin/sh
# Builds cph and installs it: the static program where the system can link one (it starts faster),
# else the ordinary one.
#
#   install/install.sh [--prefix DIR]     installs DIR/bin/cph, completions for bash, zsh and fish,
#                                         manual pages and schemas, below DIR (default: ~/.local)
#   install/install.sh --uninstall [--prefix DIR]
set -eu

usage() { sed -n '2,7s/^# \{0,1\}//p' "$0"; }
fail() { printf 'install.sh: %s\n' "$1" >&2; exit 1; }

prefix=${HOME:-}/.local
action=install
while [ $# -gt 0 ]; do
  case $1 in
    --prefix) [ $# -ge 2 ] || fail '--prefix needs a directory'; prefix=$2; shift 2 ;;
    --prefix=*) prefix=${1#--prefix=}; shift ;;
    --uninstall) action=uninstall; shift ;;
    -h|--help) usage; exit 0 ;;
    *) usage >&2; fail "unknown argument: $1" ;;
  esac
done
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
program=$prefix/bin/cph
pages=$prefix/share/man/man1
bash=$prefix/share/bash-completion/completions/cph
zsh=$prefix/share/zsh/site-functions/_cph
fish=$prefix/share/fish/vendor_completions.d/cph.fish
schemas=$prefix/share/cph/schemas

if [ "$action" = uninstall ]; then
  [ -e "$program" ] || fail "$program is not there"
  # It knows itself which pages are its own.
  "$program" man --list 2>/dev/null | while IFS= read -r page; do rm -f "$pages/$page"; done
  rm -f "$bash" "$zsh" "$fish" "$schemas"/*.schema.json
  rmdir "$schemas" "$prefix/share/cph" 2>/dev/null || true
  rm "$program"
  printf 'removed %s\n' "$program"
  # shellcheck disable=SC2016  # the backquotes are for people
  printf 'registrations in settings files stay: run `cph uninstall` in each project before this\n'
  exit 0
fi

command -v cargo >/dev/null || fail 'cargo is missing: install Rust first (https://rustup.rs)'
cd "$(dirname "$0")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
# The functions and constants of a dispatch side by side (benches/hot-order), by names that differ
# where types do; constants have names of their own only where LLVM's form of the code is written too.
# A program that hashes a few hundred bytes must not ask the processor first what it can do: on
# virtual machines each such question costs as much as a file read.
flags='-C target-feature=+crt-static -C relocation-model=static --cfg sha2_backend="soft"'
flags="$flags -C symbol-mangling-version=v0 --emit=llvm-bc -C link-arg=-Wl,-T,install/hot.ld"
# The linker that Rust brings, where it does: it lays pages so that a process holds only those it uses.
lld=$(rustc --print target-libdir)/../bin/gcc-ld
[ ! -x "$lld/ld.lld" ] || lld_flags="-C link-arg=-fuse-ld=lld -C link-arg=-B$lld"

# static TARGET MORE_FLAGS...: builds the static program. The explicit target keeps the flags away from build
# scripts and procedural macros, which cannot be linked statically.
static() {
  target=$1
  shift
  RUSTFLAGS="$flags $*" cargo build --release --locked --target "$target" || return 1
  built=${CARGO_TARGET_DIR:-target}/$target/release/cph
}

# Whether a program can be built for musl: Rust's part of it, and a compiler for the parts in C.
has_musl() {
  [ -d "$(rustc --print target-libdir --target "$1" 2>/dev/null)" ] || return 1
  command -v musl-gcc >/dev/null || command -v "${1%%-*}-linux-musl-gcc" >/dev/null
}

built=
case $host in
  *-linux-musl*) static "$host" || true ;;
  *-linux-gnu*)
    # musl's start asks the processor nothing, glibc's some forty questions.
    musl=${host%-gnu*}-musl${host##*-gnu}
    if has_musl "$musl"; then
      # shellcheck disable=SC2086  # several words
      static "$musl" ${lld_flags:-} || printf 'install.sh: no program for %s\n' "$musl" >&2
    else
      printf 'install.sh: for a program that starts in half the time on a virtual machine, first: ' >&2
      printf 'rustup target add %s, and musl-gcc (the package musl-tools)\n' "$musl" >&2
    fi
    if [ -z "$built" ] && ! static "$host"; then
      printf 'install.sh: no static program (is libc.a missing?); building the ordinary one\n' >&2
    fi ;;
esac
if [ -z "$built" ]; then
  cargo build --release --locked
  built=${CARGO_TARGET_DIR:-target}/release/cph
fi

mkdir -p "$prefix/bin"
# A new file beside the old one, then a rename: a running cph keeps its program. Written at once,
# because systems keep in large pieces of memory what was, and a start maps those faster.
dd if="$built" of="$program.new.$$" bs=67108864 2>/dev/null
chmod 755 "$program.new.$$"
mv -f "$program.new.$$" "$program"
printf 'installed %s (%s)\n' "$program" "$("$program" --version)"

# What a shell or `man` reads is written beside its place first, so that none reads half of it.
completion() {
  mkdir -p "$(dirname "$2")"
  "$program" completions "$1" >"$2.new.$$"
  mv -f "$2.new.$$" "$2"
}
completion bash "$bash"
completion zsh "$zsh"
completion fish "$fish"
"$program" man --dir "$pages" >/dev/null
mkdir -p "$schemas"
cp schemas/*.schema.json "$schemas/"
printf 'installed completions, schemas and manual pages below %s/share\n' "$prefix"
# shellcheck disable=SC2016  # the backquotes are for people
case ":$PATH:" in
  *":$prefix/bin:"*) ;;
  *) printf 'note: %s is not on PATH; committed settings call `cph` by name\n' "$prefix/bin" ;;
esac
