# A test suite in a dozen lines: `check NAME COMMAND...`, and a file of results at the end.
suite=$(basename "$0" .sh | cut -d_ -f2)
passed=0
mkdir -p results

check() {
  name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    echo "$suite: $name failed" >&2
    exit 1
  fi
}

trap 'test $? = 0 && echo "$suite $passed" >"results/$suite.txt"' EXIT
