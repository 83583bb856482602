. ./lib.sh
check 'we are here' test -f lib.sh
check 'results have a place' test -d results
