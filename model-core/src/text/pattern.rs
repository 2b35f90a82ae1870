//! Patterns that differ from Unicode word boundaries: masks, links, addresses, names, punctuation. All functions look at
//! the start of a folded text (see [`super::fold`]).

use unicode_properties::{GeneralCategory, UnicodeEmoji, UnicodeGeneralCategory};
use unicode_segmentation::UnicodeSegmentation;

use super::emoticon;
use super::fold::Folded;
use crate::language::is_han;

/// The word for a link.
pub(super) const URL: &str = "<url>";
/// The word for an e-mail address.
const EMAIL: &str = "<email>";
/// The word for an @name.
const USER: &str = "<user>";
/// The word for a long number.
pub(super) const NUMBER: &str = "<num>";
/// The word for an ellipsis of any number of dots.
const ELLIPSIS: &str = "…";

/// Numbers with at least this many digits are one word, [`NUMBER`].
pub(super) const LONG_NUMBER: usize = 5;
/// The longest @name: 30 letters, or 15 Chinese characters, which count twice (Weibo; names on Twitter and Instagram are no
/// longer).
const LONGEST_NAME: usize = 30;
/// The longest link in bytes; it bounds the time that a text of links takes.
const LONGEST_LINK: usize = 2048;
/// The longest first half of an e-mail address in bytes (RFC 5321).
const LONGEST_LOCAL_PART: usize = 64;

/// The masks of corpora for identifying text, and their words.
const MASKS: [(&str, &str); 8] = [
    ("<url>", URL),
    ("<email>", EMAIL),
    ("<user>", USER),
    ("<num>", NUMBER),
    ("<#>", NUMBER),
    ("<decimal>", NUMBER),
    ("<date>", NUMBER),
    ("<time>", NUMBER),
];

/// A word at the start of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    /// The bytes that it takes, at least one.
    pub length: usize,
    /// The word as in the vocabulary; empty for text that is left out.
    pub word: &'a str,
}

impl<'a> Found<'a> {
    /// Text that is left out.
    pub fn nothing(length: usize) -> Self {
        Self { length, word: "" }
    }

    /// The first `length` bytes of `text` as they are.
    fn as_is(text: &'a str, length: usize) -> Self {
        Self {
            length,
            word: &text[..length],
        }
    }
}

/// The pattern at byte `at` of a post, where character `first` stands, if there is one.
/// `has_at_sign`: whether there is an @ anywhere, without which no address need be looked for.
pub(super) fn find<'a>(
    folded: &'a Folded,
    at: usize,
    first: char,
    has_at_sign: bool,
) -> Option<Found<'a>> {
    let text = folded.text.as_str();
    let rest = &text[at..];
    let ascii = |length: usize| folded.ascii_length(at..at + length);
    let found = match first {
        'a'..='z' | '0'..='9' => {
            let may_link = matches!(first, 'h' | 'f' | 'w');
            let link = may_link.then(|| link(rest, ascii)).flatten();
            let email = || has_at_sign.then(|| email(rest, ascii)).flatten();
            return link.or_else(email).or_else(|| keycap(rest));
        }
        _ if first.is_alphanumeric() => return None,
        '@' => {
            let in_word = text[..at].ends_with(|before: char| before.is_ascii_alphanumeric());
            (!in_word).then(|| user(rest)).flatten()
        }
        '<' => mask(rest),
        '[' => emoticon::named(rest).map(|length| Found::as_is(rest, length)),
        _ => keycap(rest),
    };
    let in_word = text[..at].ends_with(char::is_alphanumeric);
    let emoticon = || emoticon::drawn(rest, in_word).map(|length| Found::as_is(rest, length));
    found.or_else(emoticon).or_else(|| signs(rest, first))
}

/// Whether a quotation starts here, as in reposts on Weibo: `//@name:`.
pub(super) fn is_quoted(text: &str) -> bool {
    let quoted = text.strip_prefix("//");
    quoted.is_some_and(|quoted| quoted.starts_with(USER) || user(quoted).is_some())
}

fn mask(text: &str) -> Option<Found<'_>> {
    let (mask, word) = MASKS.iter().find(|(mask, _)| text.starts_with(mask))?;
    Some(Found {
        length: mask.len(),
        word,
    })
}

/// A link, `https://…` or `www.…`. The punctuation at its end belongs to the sentence.
/// `ascii(n)`: how many of the first n bytes were written as ASCII.
pub(super) fn link(text: &str, ascii: impl Fn(usize) -> usize) -> Option<Found<'_>> {
    let starts = ["http://", "https://", "ftp://", "www."];
    let start = starts.iter().find(|start| text.starts_with(**start))?.len();
    let is_part = |byte: &u8| byte.is_ascii_graphic() && !b"\"'<>\\^{|}".contains(byte);
    let whole = text.bytes().take(LONGEST_LINK).take_while(is_part).count();
    let whole = &text[..ascii(whole)];
    // A closing parenthesis belongs to the link only if the link opened it.
    let mut unopened = whole
        .matches(')')
        .count()
        .saturating_sub(whole.matches('(').count());
    let link = whole.trim_end_matches(|sign| match sign {
        ')' if unopened > 0 => {
            unopened -= 1;
            true
        }
        _ => ".,;:!?([]*~".contains(sign),
    });
    (link.len() > start).then_some(Found {
        length: link.len(),
        word: URL,
    })
}

/// An e-mail address; `ascii` as for [`link`].
pub(super) fn email(text: &str, ascii: impl Fn(usize) -> usize) -> Option<Found<'_>> {
    let is_local = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(byte);
    let is_domain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
    let local = text
        .bytes()
        .take(LONGEST_LOCAL_PART)
        .take_while(is_local)
        .count();
    let domain = text[local..].strip_prefix('@')?;
    let length = domain.bytes().take_while(is_domain).count();
    let whole = &text[..ascii(local + 1 + length)];
    let address = whole.trim_end_matches(['.', '-']);
    let (host, top) = address.get(local + 1..)?.rsplit_once('.')?;
    let stands = !host.is_empty() && top.len() >= 2;
    stands.then_some(Found {
        length: address.len(),
        word: EMAIL,
    })
}

/// An @name of at least two letters, digits (of any script), `_`, `-` or `·`; or a masked one. A link after an @ is a link.
fn user(text: &str) -> Option<Found<'_>> {
    let name = text.strip_prefix('@')?;
    if link(name, |length| length).is_some() {
        return None;
    }
    if name.starts_with(USER) {
        return Some(Found {
            length: 1 + USER.len(),
            word: USER,
        });
    }
    let is_part = |letter: &char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '·');
    let (mut width, mut count, mut length) = (0, 0, 0);
    for letter in name.chars().take_while(is_part) {
        width += if is_han(letter) { 2 } else { 1 };
        if width > LONGEST_NAME {
            break;
        }
        count += 1;
        length += letter.len_utf8();
    }
    let name = &name[..length];
    let is_name =
        count >= 2 && !name.starts_with(['-', '·']) && name.contains(char::is_alphanumeric);
    is_name.then_some(Found {
        length: 1 + length,
        word: USER,
    })
}

/// A digit or sign in the shape of a key, 1⃣.
fn keycap(text: &str) -> Option<Found<'_>> {
    let is_key = text.starts_with(|key: char| key.is_ascii_digit() || matches!(key, '#' | '*'));
    let keycap = '\u{20E3}';
    (is_key && text[1..].starts_with(keycap)).then(|| Found::as_is(text, 1 + keycap.len_utf8()))
}

/// A run of punctuation or an emoji; [`super`] lists which of them are words.
fn signs(text: &str, first: char) -> Option<Found<'_>> {
    let run = |is_part: fn(char) -> bool| text.find(|sign| !is_part(sign)).unwrap_or(text.len());
    match first {
        '.' | '…' => {
            let length = run(|sign| matches!(sign, '.' | '…'));
            let word = if &text[..length] == "." { "" } else { ELLIPSIS };
            Some(Found { length, word })
        }
        '!' | '?' => {
            let length = run(|sign| matches!(sign, '!' | '?'));
            let signs = &text[..length];
            let mixed = signs.contains('!') && signs.contains('?');
            Some(Found {
                length,
                word: if mixed { "?!" } else { signs },
            })
        }
        '\0'..='\x7F' => {
            let length = text.bytes().take_while(|&byte| byte == first as u8).count();
            let is_word =
                matches!(first, '~' | '$') || (length > 1 && !matches!(first, '#' | '_' | '\''));
            Some(if is_word {
                Found::as_is(text, length)
            } else {
                Found::nothing(length)
            })
        }
        _ if first.is_emoji_char() => {
            let emoji = text.graphemes(true).next()?;
            Some(Found::as_is(text, emoji.len()))
        }
        _ => match first.general_category() {
            GeneralCategory::OtherSymbol | GeneralCategory::CurrencySymbol => {
                let length = text.find(|sign| sign != first).unwrap_or(text.len());
                Some(Found::as_is(text, length))
            }
            _ => None,
        },
    }
}
