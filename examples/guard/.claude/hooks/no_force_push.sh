#!/bin/sh
# Refuses `git push --force`. Exit 2 refuses, and stderr is the reason. The payload is searched as
# text, so that nothing but sh is needed: --force-with-lease is refused with it, to be careful.
payload=$(cat)
case $payload in
*--force* | *' -f '* | *' -f"'*)
    echo "history on the server is never rewritten: push without --force" >&2
    exit 2
    ;;
esac
exit 0
