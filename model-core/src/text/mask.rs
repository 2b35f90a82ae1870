//! Masks for links, addresses and numbers, which can identify a person.

use super::pattern::{self, Found, NUMBER};

/// Numbers of fewer characters, separators included, are kept: years, prices, times of day.
const SHORTEST_NUMBER: usize = 8;

/// Replaces links by `<url>`, e-mail addresses by `<email>` and long numbers by `<num>`.
///
/// Links and e-mail addresses are what a [`Segmenter`](super::Segmenter) reads as such, so masking them leaves the words
/// of a post as they are. A long number is a run of digits, spaces, `-`, `.`, `(` and `)` that begins and ends with a
/// digit and has at least 8 characters: telephone and account numbers, but also dates and spans of years.
///
/// ```
/// use model_core::text::mask;
///
/// let post = "Write to joe@example.org or call (555) 010-9999, see http://example.org/joe.";
/// assert_eq!(mask(post), "Write to <email> or call (<num>, see <url>.");
/// assert_eq!(mask("In 2004 I paid 1,000 for it"), "In 2004 I paid 1,000 for it");
/// ```
pub fn mask(post: &str) -> String {
    // The patterns know lower case only. Lower-casing ASCII moves no byte.
    let lower = post.to_ascii_lowercase();
    let has_at_sign = lower.contains('@');
    let mut masked = String::with_capacity(post.len());
    let (mut at, mut copied) = (0, 0);
    while at < post.len() {
        // The text after a mask begins a new word.
        match find(&lower[copied..], at - copied, has_at_sign) {
            Some(found) => {
                masked.push_str(&post[copied..at]);
                masked.push_str(found.word);
                at += found.length;
                copied = at;
            }
            None => at += 1,
        }
    }
    masked.push_str(&post[copied..]);
    masked
}

/// Finds the text to mask at byte `at`, which may lie within a character.
fn find(text: &str, at: usize, has_at_sign: bool) -> Option<Found<'_>> {
    let bytes = text.as_bytes();
    let first = bytes[at];
    if !first.is_ascii_alphanumeric() {
        return None;
    }
    let rest = &text[at..];
    let in_word = at > 0 && bytes[at - 1].is_ascii_alphanumeric();
    // "Awww.Really" holds no link, but "seehttp://example.org" does.
    let may_link = matches!(first, b'h' | b'f') || (first == b'w' && !in_word);
    let as_written = |length: usize| length;
    let link = may_link.then(|| pattern::link(rest, as_written)).flatten();
    let email = || {
        (has_at_sign && !in_word)
            .then(|| pattern::email(rest, as_written))
            .flatten()
    };
    link.or_else(email).or_else(|| long_number(rest))
}

fn long_number(text: &str) -> Option<Found<'static>> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let is_part = |byte: &u8| byte.is_ascii_digit() || b" -.()".contains(byte);
    let run = text.bytes().take_while(is_part).count();
    let number = text[..run].trim_end_matches(|last: char| !last.is_ascii_digit());
    (number.len() >= SHORTEST_NUMBER).then_some(Found {
        length: number.len(),
        word: NUMBER,
    })
}
