//! Values that Python has written into a cell as its own source: bytes in place of a text, and lists of texts.

/// The text of a cell that Python wrote as bytes, as in `b'caf\xc3\xa9'`: a known fault of scripts that collect tweets.
pub(super) fn bytes_as_text(cell: &str) -> Option<String> {
    if !cell.starts_with('b') {
        return None;
    }
    let (bytes, rest) = literal(cell)?;
    // A text that is cut off in the middle of an emoji is still the user's.
    let text = || String::from_utf8_lossy(&bytes).into_owned();
    rest.is_empty().then(text)
}

/// The texts of a list such as `['one', "it's"]`, which pandas writes into a table.
pub(super) fn list_of_texts(cell: &str) -> Option<Vec<String>> {
    let mut rest = cell.trim().strip_prefix('[')?;
    let mut texts = Vec::new();
    while !rest.trim_start().starts_with(']') {
        let (text, after) = literal(rest.trim_start())?;
        texts.push(String::from_utf8_lossy(&text).into_owned());
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.starts_with(']') => {}
            None => return None,
        }
    }
    (rest.trim_start() == "]").then_some(texts)
}

/// The content of the string, or bytes, at the start of `source`, and what follows it.
fn literal(source: &str) -> Option<(Vec<u8>, &str)> {
    let inside = source.strip_prefix('b');
    let is_bytes = inside.is_some();
    let inside = inside.unwrap_or(source);
    let quote = inside
        .chars()
        .next()
        .filter(|first| ['\'', '"'].contains(first))?;
    let mut rest = &inside[1..];
    let mut content = Vec::new();
    loop {
        let letter = rest.chars().next()?;
        rest = &rest[letter.len_utf8()..];
        if letter == quote {
            return Some((content, rest));
        }
        if letter != '\\' {
            content.extend(letter.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        let escape = rest.chars().next()?;
        rest = &rest[escape.len_utf8()..];
        let digits = match escape {
            'n' => {
                content.push(b'\n');
                continue;
            }
            't' => {
                content.push(b'\t');
                continue;
            }
            'r' => {
                content.push(b'\r');
                continue;
            }
            '\\' | '\'' | '"' => {
                content.extend(escape.encode_utf8(&mut [0; 4]).bytes());
                continue;
            }
            'x' => 2,
            'u' if !is_bytes => 4,
            'U' if !is_bytes => 8,
            _ => return None,
        };
        let code = u32::from_str_radix(rest.get(..digits)?, 16).ok()?;
        rest = &rest[digits..];
        match is_bytes {
            true => content.push(u8::try_from(code).ok()?),
            false => {
                let letter = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                content.extend(letter.encode_utf8(&mut [0; 4]).bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_python_wrote_as_bytes_was_read_letter_by_letter() {
        for (cell, text) in [
            (
                r"b'caf\xc3\xa9 \xf0\x9f\x98\x80\nit\'s'",
                Some("café 😀\nit's"),
            ),
            (r#"b"it's \\ \xe2\x80""#, Some("it's \\ \u{FFFD}")),
            (r"b'odd \q'", None),
            ("b and 'c'", None),
            ("b'one' and 'two'", None),
            ("b'", None),
            ("'b'", None),
            ("", None),
        ] {
            assert_eq!(bytes_as_text(cell).as_deref(), text, "{cell}");
        }
    }

    #[test]
    fn a_list_that_pandas_wrote_was_one_post() {
        for (cell, texts) in [
            (
                r#"['one', "it's", 'tea\n\u2028\x07']"#,
                Some(&["one", "it's", "tea\n\u{2028}\x07"][..]),
            ),
            ("[ ]", Some(&[])),
            ("['a',]", Some(&["a"])),
            ("['one' 'two']", None),
            ("['one'", None),
            ("['one', two]", None),
            ("['one'] and more", None),
            ("[sic] a", None),
        ] {
            let texts = texts.map(<[&str]>::to_vec);
            let found = list_of_texts(cell);
            let found = found
                .as_ref()
                .map(|found| found.iter().map(String::as_str).collect());
            assert_eq!(found, texts, "{cell}");
        }
    }

    #[test]
    fn fuzz_values_of_python() {
        let seeds = [
            r"b'caf\xc3\xa9 \n'",
            r#"['one', "it's", 'tea\n\u2028\x07']"#,
        ];
        fuzzing::fuzz("values of Python", &seeds, |bytes| {
            let cell = String::from_utf8_lossy(bytes);
            bytes_as_text(&cell);
            list_of_texts(&cell);
        });
    }
}
