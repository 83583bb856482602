# Steps with Git, each a process of its own in the user's working tree:
# `sh -c THIS sh STEP ARGUMENTS`. What goes wrong is said on stderr. Nothing that anybody has
# written is ever thrown away.
set -eu
say() { printf '%s\n' "$*" >&2; }
exists() { git rev-parse --verify --quiet "refs/heads/$1^{commit}" >/dev/null; }
holds() { git merge-base --is-ancestor "refs/heads/$1" HEAD; }
# Where nobody has said who commits, cph does.
sign() {
  git var GIT_COMMITTER_IDENT >/dev/null 2>&1 && git var GIT_AUTHOR_IDENT >/dev/null 2>&1 && return
  export GIT_AUTHOR_NAME=cph GIT_AUTHOR_EMAIL=cph@localhost
  export GIT_COMMITTER_NAME=cph GIT_COMMITTER_EMAIL=cph@localhost
}
# Runs Git again while somebody else holds a lock of the repository, TRIES times and a tenth of a
# second between: `patiently TRIES COMMAND...`. What it said last is in $said.
patiently() {
  left=$1; shift
  until said=$("$@" 2>&1); do
    case $said in
      *".lock': File exists"* | *"could not lock config file"*) ;;
      # Git stumbles over a worktree that somebody else is making at the same moment.
      *worktrees/*) test "$1" = add || return 1 ;;
      *) return 1 ;;
    esac
    left=$((left - 1))
    test "$left" -gt 0 || return 1
    sleep 0.1
  done
}
# The index of a worktree of ours, whose task has ended, is locked by nobody for long: a lock that
# stays was left behind by somebody who was killed.
stage() {
  patiently 30 git add -A && return
  lock=$(git rev-parse --git-path index.lock)
  test -e "$lock" || { say "$said"; return 1; }
  rm -f -- "$lock"
  git add -A
}
commit() {
  stage
  git diff --cached --quiet && return
  patiently 30 git -c commit.gpgSign=false commit --quiet --no-verify -m "$1" || { say "$said"; return 1; }
}
# Makes $tree, on $branch.
add() {
  # Whoever was killed while making it has left a part, in which nobody has worked.
  git worktree remove --force --force "$tree" 2>/dev/null || rm -rf -- "${tree:?}"
  if exists "$branch"; then
    git worktree add --quiet "$tree" "$branch"
  else
    git worktree add --quiet --no-track -b "$branch" "$tree" "$base"
  fi
}
# Merges branch $1 with message $2; afterwards all is as it was, or it is merged.
join() {
  if patiently 100 git -c commit.gpgSign=false merge --quiet --no-edit --no-verify -m "$2" "refs/heads/$1"
  then return 0; fi
  why=$said
  files=$(git diff --name-only --diff-filter=U | tr '\n' ' ')
  patiently 100 git merge --abort || true
  if test -n "$files"; then say "conflict in ${files% }"; else say "$why"; fi
  return 1
}

step=$1; shift
case $step in

# prepare TREE BRANCH BASE MESSAGE [BRANCH-BEFORE...]: the worktree of a task, with the work of
# those that came before.
prepare)
  tree=$1 branch=$2 base=$3 message=$4; shift 4
  if ! test -e "$tree.ready" || ! test -e "$tree/.git"; then
    patiently 100 add || { say "$said"; exit 1; }
    : >"$tree.ready"
  fi
  cd "$tree"
  sign
  for before; do
    exists "$before" && ! holds "$before" || continue
    # What an earlier attempt has left.
    commit "$message (unfinished)"
    join "$before" "Merge $before" || { say "the work of \`$before\` does not fit to what came before it"; exit 1; }
  done
  ;;

# keep TREE BRANCH MESSAGE: what the task has left becomes a commit of its branch.
keep)
  tree=$1 branch=$2 message=$3
  cd "$tree"
  sign
  if test -n "$(git ls-files --unmerged)"; then say "it has left a merge with conflicts"; exit 1; fi
  commit "$message"
  # Whoever works with Git may have gone to a branch of his own.
  if test "$(git symbolic-ref --quiet HEAD || true)" != "refs/heads/$branch"; then
    if ! holds "$branch"; then say "its worktree is on another branch, without the work of \`$branch\`"; exit 1; fi
    git update-ref "refs/heads/$branch" HEAD
  fi
  ;;

# merge BRANCH MESSAGE: into what is checked out here. Exit 3: there was nothing to merge.
merge)
  branch=$1 message=$2
  exists "$branch" || exit 3
  ! holds "$branch" || exit 3
  if git rev-parse --verify --quiet MERGE_HEAD >/dev/null; then say "a merge is going on here; end it first"; exit 1; fi
  if test -n "$(git status --porcelain --untracked-files=no)"; then
    say "there are changes that are not committed; commit or stash them first"; exit 1
  fi
  sign
  join "$branch" "$message"
  ;;

# unmerged [TREE BRANCH]...: says which branches, or their worktrees, have what is not checked out
# here.
unmerged)
  while test $# -gt 0; do
    tree=$1 branch=$2; shift 2
    if test -e "$tree/.git" && test -n "$(git -C "$tree" --no-optional-locks status --porcelain)" ||
      exists "$branch" && ! holds "$branch"
    then printf '%s\n' "$branch"; fi
  done
  ;;

# release TREE BRANCH MESSAGE: the worktree goes, with its branch when that is merged. Exit 4: the
# branch stays.
release)
  tree=$1 branch=$2 message=$3
  if test -e "$tree/.git"; then
    (cd "$tree" && sign && commit "$message (unfinished)")
    rm -f -- "$tree.ready"
    patiently 100 git worktree remove --force "$tree" || { say "$said"; exit 1; }
  fi
  exists "$branch" || exit 0
  holds "$branch" || exit 4
  # Git may stumble over what it keeps beside a branch that is gone by then.
  patiently 100 git branch --quiet -D "$branch" || ! exists "$branch" || { say "$said"; exit 1; }
  ;;

esac
