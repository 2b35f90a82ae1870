# Writes a dictionary of jieba, sorted by its bytes, in the coding that model-core/src/text/front_coding.rs describes. Needs
# LC_ALL=C, with which the characters of awk are bytes. Run by scripts/finish_page.sh.

BEGIN { print "front-coded" }
{
    shared = 0
    while (shared < length($1) && substr($1, shared + 1, 1) == substr(before, shared + 1, 1)) shared++
    printf "%c%s\n", 48 + shared, substr($1, shared + 1)
    before = $1
    frequency[NR] = $2 == 3 ? "" : $2
}
END {
    print ""
    for (i = 1; i <= NR; i++) print frequency[i]
}
