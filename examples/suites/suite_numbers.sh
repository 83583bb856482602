. ./lib.sh
check 'sums' test $((2 + 3)) = 5
check 'products' test $((6 * 7)) = 42
