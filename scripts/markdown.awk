# Writes Markdown as HTML, as far as docs/ethics.md uses it: headings, paragraphs, lists, tables, emphasis, code and links.
# Links to other documents become text, because the page has none of them. Run by scripts/finish_page.sh.

# The HTML of text within a line.
function inline(text,    out, label, address) {
    gsub(/&/, "\\&amp;", text)
    gsub(/</, "\\&lt;", text)
    gsub(/>/, "\\&gt;", text)
    out = ""
    while (match(text, /\[[^]]*\]\([^)]*\)/)) {
        label = address = substr(text, RSTART + 1, RLENGTH - 2)
        sub(/\]\(.*/, "", label)
        sub(/^.*\]\(/, "", address)
        out = out substr(text, 1, RSTART - 1) (address ~ /^https:/ ? "<a href=\"" address "\">" label "</a>" : label)
        text = substr(text, RSTART + RLENGTH)
    }
    text = out text
    text = between(text, "\\*\\*", 2, "strong")
    text = between(text, "\\*", 1, "em")
    return between(text, "`", 1, "code")
}

# Every second mark, `length_of` characters long, ends the element that the mark before it begins.
function between(text, mark, length_of, element,    out, open) {
    out = ""
    open = 0
    while (match(text, mark)) {
        out = out substr(text, 1, RSTART - 1) (open ? "</" : "<") element ">"
        text = substr(text, RSTART + length_of)
        open = !open
    }
    return out text
}

# Ends the block that the lines so far belong to.
function flush() {
    if (block != "") print "<" block ">" inline(held) "</" block ">"
    block = held = ""
}

# Ends the block, and the list or table that it is in unless `container` is that.
function enter(container) {
    flush()
    if (container == within) return
    if (within != "") print "</" within ">"
    # Attributes instead of a style sheet, which the page's policy may refuse.
    if (container != "") print "<" container (container == "table" ? " border=\"1\" cellpadding=\"6\"" : "") ">"
    within = container
}

function row(line, cell,    cells, count, place, out) {
    gsub(/^\| *| *\|$/, "", line)
    count = split(line, cells, / *\| */)
    out = "<tr>"
    for (place = 1; place <= count; place++) out = out "<" cell ">" inline(cells[place]) "</" cell ">"
    return out "</tr>"
}

BEGIN {
    print "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />"
    print "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />"
    print "<meta name=\"color-scheme\" content=\"light dark\" />"
}
NR == 1 { print "<title>" inline(substr($0, 3)) "</title>\n</head>\n<body>\n<main>" }
/^#+ / {
    enter("")
    block = "h" (index($0, " ") - 1)
    held = substr($0, index($0, " ") + 1)
    flush()
    next
}
/^- / { enter("ul"); block = "li"; held = substr($0, 3); next }
/^[0-9]+\. / { enter("ol"); block = "li"; held = substr($0, index($0, " ") + 1); next }
/^\|[-|]*\|$/ { next }
/^\|/ { cell = within == "table" ? "td" : "th"; enter("table"); print row($0, cell); next }
/^$/ { flush(); next }
/^ / && block == "li" { sub(/^ */, ""); held = held " " $0; next }
block == "p" { held = held " " $0; next }
{ enter(""); block = "p"; held = $0 }
END { enter(""); print "</main>\n</body>\n</html>" }
