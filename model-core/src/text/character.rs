//! Classes and simple forms of single characters.

use std::sync::LazyLock;

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};
use unicode_properties::{EmojiStatus, UnicodeEmoji};

use crate::language::is_han;

/// Traditional characters, each followed by its simplified form, in the order of code points: OpenCC's table (Apache-2.0),
/// written by `scripts/traditional.py`.
const TRADITIONAL: &str = include_str!("traditional.txt");

/// Words in which a character has another simplified form than in [`TRADITIONAL`], each with its form: 乾 is 干, but not in
/// 乾隆. In the order of code points, by the same script.
const PHRASES: &str = include_str!("phrases.txt");

/// The longest phrase at the start of a text, in characters of the text and of its simplified form, which has as many.
pub(super) fn phrase(text: &str) -> Option<(&'static str, &'static str)> {
    static LINES: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
        PHRASES
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .collect()
    });
    // A phrase stands after its beginnings, and nothing but longer phrases stands between them.
    let after = LINES.partition_point(|(phrase, _)| *phrase <= text);
    let first = text.chars().next()?;
    let before = LINES[..after].iter().rev();
    let same_first = before.take_while(|(phrase, _)| phrase.starts_with(first));
    same_first
        .copied()
        .find(|(phrase, _)| text.starts_with(phrase))
}

/// The simplified form of a Chinese character; the character itself if it has none, or is one. Some traditional characters
/// share theirs (髮 and 發 are 发): words tell them apart.
pub(super) fn simplified(character: char) -> char {
    // All characters of the table have three bytes in UTF-8, whose order is that of the code points. Comparing them as
    // numbers is fastest, and every character of a Chinese post is searched.
    if character.len_utf8() != 3 {
        return character;
    }
    let number = |bytes: &[u8]| u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
    let sought = number(character.encode_utf8(&mut [0; 4]).as_bytes());
    let (pairs, _) = TRADITIONAL.as_bytes().as_chunks::<6>();
    let Ok(pair) = pairs.binary_search_by_key(&sought, |pair| number(pair)) else {
        return character;
    };
    let form = TRADITIONAL[6 * pair + 3..].chars().next();
    form.unwrap_or(character)
}

/// Whether `next` is a part of the character that `first` begins: a mark, a voicing mark after half-width kana,
/// a vowel or final consonant of a Hangul syllable.
pub(super) fn joins(first: char, next: char) -> bool {
    match next {
        '\0'..'\u{300}' => false,
        '\u{FF9E}' | '\u{FF9F}' => matches!(first, '\u{FF66}'..='\u{FF9D}'),
        '\u{1161}'..='\u{11FF}' => {
            matches!(first, '\u{1100}'..='\u{115F}' | '\u{AC00}'..='\u{D7A3}')
        }
        _ => canonical_combining_class(next) != 0,
    }
}

/// Invisible characters that do not separate words: directions, soft hyphens, variation selectors.
pub(super) fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180B}'..='\u{180F}' | '\u{200E}' | '\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFF9}'..='\u{FFFB}' | '\u{E0100}'..='\u{E01EF}')
}

/// Whether a zero-width character between these two joins or parts nothing. U+200B shows where Thai and other scripts without
/// spaces may break a line; between Chinese characters it is an accident. U+200C and U+200D shape Arabic and Indic letters
/// and join emoji.
pub(super) fn is_idle(character: char, before: char, next: Option<char>) -> bool {
    match character {
        '\u{200B}' => is_han(before) && next.is_some_and(is_han),
        '\u{200C}' | '\u{200D}' => {
            let is_shaped = before.is_alphabetic() && !is_han(before) && !is_latin(before);
            let joins =
                is_shaped || before.is_emoji_char() || canonical_combining_class(before) != 0;
            before.is_ascii() || !joins
        }
        _ => false,
    }
}

fn is_latin(character: char) -> bool {
    matches!(character, '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}')
}

/// The ASCII character (or ellipsis) of a typographic variant, or a space for a character that only separates words.
/// U+0080..U+009F are remains of Windows code page 1252 in badly converted text.
pub(super) fn plain(character: char) -> Option<char> {
    Some(match character {
        '\u{92}'
        | '\u{91}'
        | '\u{B4}'
        | '`'
        | '\u{2018}'..='\u{201B}'
        | '\u{2032}'
        | '\u{2BC}'
        | '\u{1FFD}'
        | '\u{FF07}'
        | '\u{FF40}' => '\'',
        '\u{93}'
        | '\u{94}'
        | '\u{AB}'
        | '\u{BB}'
        | '\u{201C}'..='\u{201F}'
        | '\u{2033}'
        | '\u{300C}'..='\u{300F}' => '"',
        '\u{96}' | '\u{97}' | '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{85}' | '\u{2026}' | '\u{22EF}' => '…',
        '\u{3002}' | '\u{FF61}' => '.',
        '\u{61F}' => '?',
        '\u{301C}' | '\u{223C}' => '~',
        '\u{200B}' | '\u{FFFD}' | '\u{E000}'..='\u{F8FF}' => ' ',
        // Letters and signs that show nothing.
        '\u{115F}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{FFA0}' => ' ',
        '\n' => '\n',
        _ if character.is_control() || character.is_whitespace() => ' ',
        _ => return None,
    })
}

/// Whether a character is shown as an emoji. Some are only if a selector follows.
pub(super) fn is_emoji(character: char, next: Option<char>) -> bool {
    match character.emoji_status() {
        EmojiStatus::EmojiPresentation
        | EmojiStatus::EmojiPresentationAndModifierBase
        | EmojiStatus::EmojiPresentationAndEmojiComponent
        | EmojiStatus::EmojiPresentationAndModifierAndEmojiComponent => true,
        EmojiStatus::EmojiOther | EmojiStatus::EmojiModifierBase => next == Some('\u{FE0F}'),
        _ => false,
    }
}

/// Whether to replace a character by its compatibility form: if that is one character, or several Latin letters and digits
/// (ligatures, units). Characters that would be torn apart (℃, ½, ㈱) or glued to their neighbour (™) stay as they are.
pub(super) fn has_plain_form(character: char) -> bool {
    if is_nfkc_quick(std::iter::once(character)) == IsNormalized::Yes {
        return false;
    }
    let mut form = std::iter::once(character).nfkc();
    match (form.next(), form.next()) {
        // Single letters such as ㅋ would become parts of Hangul syllables.
        (Some(one), None) => {
            canonical_combining_class(one) == 0 && !matches!(one, '\u{1100}'..='\u{11FF}')
        }
        (Some(first), Some(second)) => {
            !matches!(character, '\u{2100}'..='\u{214F}')
                && [first, second]
                    .into_iter()
                    .chain(form)
                    .all(|form| form.is_ascii_alphanumeric())
        }
        _ => false,
    }
}
