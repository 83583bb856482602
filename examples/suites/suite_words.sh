. ./lib.sh
check 'same words are the same' test a = a
check 'other words differ' test a != b
check 'nothing is empty' test -z ''
