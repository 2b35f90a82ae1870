//! Bilingual dictionaries, from which an alignment learns and on which it is tested.

use std::io::{self, BufRead};

use model_core::text::Segmenter;

/// Why a dictionary cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DictionaryError {
    /// The file cannot be read, or is not UTF-8.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A line is in neither format.
    #[error(
        "line {0} is neither an entry of CC-CEDICT (\"传统 传统 [chuan2 tong3] /tradition/\") nor two words separated by a space"
    )]
    Line(usize),
}

/// Reads a dictionary: either CC-CEDICT (Chinese and English), or a list with two words on each line, separated by a space or
/// a tab. Returns the pairs in the order of the file, normalised by the text pipeline. Translations of several words are left
/// out.
///
/// # Errors
/// If the file cannot be read, or a line is in neither format.
pub fn read(dictionary: impl BufRead) -> Result<Vec<(String, String)>, DictionaryError> {
    let segmenter = Segmenter::new();
    let mut pairs = Vec::new();
    for (index, line) in dictionary.lines().enumerate() {
        let line = line?;
        let line = line.trim_start_matches('\u{FEFF}').trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut add = |one: &str, other: &str| {
            let [one, other] = [one, other].map(|word| spelled(&segmenter, word));
            pairs.extend(one.zip(other));
        };
        if let Some((word, glosses)) = entry(line) {
            translations(glosses).for_each(|gloss| add(word, &gloss));
        } else {
            let mut words = line.split_whitespace();
            match (words.next(), words.next(), words.next()) {
                (Some(one), Some(other), None) => add(one, other),
                _ => return Err(DictionaryError::Line(index + 1)),
            }
        }
    }
    pairs.dedup();
    Ok(pairs)
}

/// The word of a line of CC-CEDICT, in simplified characters, and its glosses, separated by slashes.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (words, rest) = line.split_once(" [")?;
    let (_pronunciation, glosses) = rest.split_once("] /")?;
    let (_traditional, word) = words.split_once(' ')?;
    Some((word, glosses.strip_suffix('/')?))
}

/// The glosses of CC-CEDICT that translate an entry. Other glosses explain it.
fn translations(glosses: &str) -> impl Iterator<Item = String> {
    let explains = |gloss: &str| {
        let starts = [
            "CL:",
            "surname ",
            "see ",
            "abbr",
            "also written",
            "used in",
            "(used",
        ];
        starts.iter().any(|start| gloss.starts_with(start)) || gloss.contains("variant of")
    };
    (glosses.split('/'))
        .filter(move |gloss| !explains(gloss))
        .flat_map(|gloss| {
            let plain = without_brackets(gloss);
            plain.split([',', ';']).map(bare).collect::<Vec<_>>()
        })
        .filter(|gloss| !gloss.is_empty())
}

/// A gloss without its article or the `to` of a verb.
fn bare(gloss: &str) -> String {
    let gloss = gloss.trim();
    let starts = ["to ", "a ", "an ", "the "];
    let start = starts.iter().find(|start| gloss.starts_with(**start));
    gloss[start.map_or(0, |start| start.len())..]
        .trim()
        .to_owned()
}

/// A text without its parts in round brackets.
fn without_brackets(text: &str) -> String {
    let mut depth = 0;
    (text.chars())
        .filter(|&letter| {
            match letter {
                '(' => depth += 1,
                ')' if depth > 0 => {
                    depth -= 1;
                    return false;
                }
                _ => {}
            }
            depth == 0
        })
        .collect()
}

/// A word as the text pipeline normalises it; `None` if it is not exactly one word.
fn spelled(segmenter: &Segmenter, word: &str) -> Option<String> {
    // Without a dictionary every Chinese character is a word. So a Chinese word is a sequence of them without gaps.
    let parts = segmenter.words(word);
    let in_one_piece = parts.windows(2).all(|pair| pair[0].end == pair[1].start);
    let is_chinese = parts.iter().all(|part| part.text.chars().count() == 1);
    let spelled: String = parts.into_iter().map(|part| part.text).collect();
    let is_one = in_one_piece && (is_chinese || segmenter.words(&spelled).len() == 1);
    (is_one && !spelled.is_empty()).then_some(spelled)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        read(text.as_bytes()).unwrap()
    }

    #[test]
    fn an_entry_is_a_pair_for_each_gloss_of_one_word() {
        let text = "# CC-CEDICT\n\
            委婉 委婉 [wei3 wan3] /tactful/euphemistic/(of voice etc) suave/soft, mild/\r\n\
            親愛 亲爱 [qin1 ai4] /Dear; beloved/to love/dear one/\n\
            本 本 [ben3] /CL:個|个[ge4]/variant of 某[mou3]/surname Ben/a book/\n";
        let expected = [
            ("委婉", "tactful"),
            ("委婉", "euphemistic"),
            ("委婉", "suave"),
            ("委婉", "soft"),
            ("委婉", "mild"),
            ("亲爱", "dear"),
            ("亲爱", "beloved"),
            ("亲爱", "love"),
            ("本", "book"),
        ];
        let expected = expected.map(|(one, other)| (one.to_owned(), other.to_owned()));
        assert_eq!(pairs(text), expected);
    }

    #[test]
    fn a_list_of_pairs_is_read_as_it_is() {
        let expected = [("hund", "dog"), ("katze", "猫咪")];
        let expected = expected.map(|(one, other)| (one.to_owned(), other.to_owned()));
        assert_eq!(pairs("Hund dog\n\nKatze\t貓咪\na-b c\n"), expected);
    }

    #[test]
    fn a_line_in_neither_format_is_refused() {
        for text in [
            "one two\nalone\n",
            "one two\na b c\n",
            "一 一 [yi1] one\nx y\n",
        ] {
            let line = if text.starts_with('一') { 1 } else { 2 };
            assert!(
                matches!(read(text.as_bytes()), Err(DictionaryError::Line(found)) if found == line),
                "{text}"
            );
        }
        assert!(matches!(read(&b"\xff"[..]), Err(DictionaryError::Io(_))));
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(text in "[a-z委婉 \\[\\]/(),;\t\n#.]{0,60}") {
            for (one, other) in read(text.as_bytes()).into_iter().flatten() {
                prop_assert!(!one.is_empty() && !other.is_empty());
                prop_assert!(!one.contains(char::is_whitespace) && !other.contains(char::is_whitespace));
            }
        }
    }

    #[test]
    fn fuzz_bilingual_dictionaries() {
        let seeds = [
            "# CC-CEDICT\n委婉 委婉 [wei3 wan3] /tactful/(of voice etc) suave/soft, mild/\r\n",
            "Hund dog\nKatze\t貓咪\na-b c\n",
        ];
        fuzzing::fuzz("bilingual dictionary", &seeds, |bytes| drop(read(bytes)));
    }
}
