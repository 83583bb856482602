# A table of the results in the files that are named.
printf '# Suites\n\n| suite | passed |\n|--|--|\n'
for file; do
  read -r suite passed <"$file"
  printf '| %s | %s |\n' "$suite" "$passed"
done
