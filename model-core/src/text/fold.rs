//! Folding: one spelling for what is written in many ways, with the way back to the original bytes.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;
use unicode_properties::{EmojiStatus, UnicodeEmoji};

/// More repetitions of a character than this say nothing new: "soooooo" is "sooo".
const MOST_REPEATS: usize = 3;

/// A post in its folded spelling.
pub(super) struct Folded {
    /// The folded text. No position in it is an offset into the post: see [`Folded::original`].
    pub text: String,
    /// Where the two texts get out of step, in order. Between two shifts they run in parallel.
    shifts: Vec<Shift>,
}

/// A piece of the post that has another length once folded.
struct Shift {
    folded: Range<usize>,
    original: Range<usize>,
}

impl Folded {
    /// The byte range of the post that the (non-empty) byte range `folded` of the text came from.
    pub fn original(&self, folded: Range<usize>) -> Range<usize> {
        // A shift of no folded length (a dropped character) lies before a word that starts there
        // and after a word that ends there, hence `<=` for the one and `<` for the other.
        let before_start = self
            .shifts
            .partition_point(|shift| shift.folded.start <= folded.start);
        let before_end = self
            .shifts
            .partition_point(|shift| shift.folded.start < folded.end);
        let start = match before_start.checked_sub(1).map(|last| &self.shifts[last]) {
            Some(shift) if folded.start < shift.folded.end => shift.original.start,
            Some(shift) => shift.original.end + (folded.start - shift.folded.end),
            None => folded.start,
        };
        let end = match before_end.checked_sub(1).map(|last| &self.shifts[last]) {
            Some(shift) if folded.end < shift.folded.end => shift.original.end,
            Some(shift) => shift.original.end + (folded.end - shift.folded.end),
            None => folded.end,
        };
        start..end
    }
}

/// Folds a post: Unicode compatibility forms (full and half width, ligatures, styled letters) to the
/// plain ones, combining marks composed, lower case, control characters to spaces, invisible marks
/// dropped, typographic quotes, dashes and full stops to the ASCII ones, and a character repeated more
/// than three times to three (digits and spaces excepted).
pub(super) fn fold(post: &str) -> Folded {
    let mut folder = Folder {
        folded: Folded {
            text: String::with_capacity(post.len()),
            shifts: Vec::new(),
        },
        last: ' ',
        repeats: 0,
    };
    let bytes = post.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        // Plain ASCII, unless a combining mark may follow it.
        if bytes[at].is_ascii() && bytes.get(at + 1).is_none_or(u8::is_ascii) {
            let byte = bytes[at];
            let folded = if byte.is_ascii_control() {
                b' '
            } else {
                byte.to_ascii_lowercase()
            };
            folder.push(char::from(folded), at..at + 1);
            at += 1;
        } else {
            at += folder.push_cluster(&post[at..], at);
        }
    }
    folder.folded
}

struct Folder {
    folded: Folded,
    last: char,
    repeats: usize,
}

impl Folder {
    /// Folds the character that `rest` starts with and the marks upon it; `at` is its offset in the post.
    /// Returns their length.
    fn push_cluster(&mut self, rest: &str, at: usize) -> usize {
        let mut characters = rest.chars();
        let Some(first) = characters.next() else {
            return 0;
        };
        let marks: usize = characters
            .clone()
            .take_while(|&next| joins(next))
            .map(char::len_utf8)
            .sum();
        let length = first.len_utf8() + marks;
        let original = at..at + length;
        if marks > 0 {
            self.push_all(rest[..length].nfkc(), original);
            return length;
        }
        match first {
            // Most of a Chinese post, and nothing to fold.
            '\u{4E00}'..='\u{9FFF}' => self.push(first, original),
            _ if is_invisible(first) => self.push_nothing(original),
            _ => match plain(first) {
                Some(plain) => self.push(plain, original),
                None if is_emoji(first, characters.next()) => self.push(first, original),
                None if is_foldable(first) => {
                    self.push_all(std::iter::once(first).nfkc(), original);
                }
                None => self.push_all(std::iter::once(first), original),
            },
        }
        length
    }

    /// Appends the lower case of `characters`, all of which the piece `original` of the post became.
    fn push_all(&mut self, characters: impl Iterator<Item = char>, original: Range<usize>) {
        let mut characters = characters.flat_map(char::to_lowercase);
        let Some(first) = characters.next() else {
            return self.push_nothing(original);
        };
        let Some(second) = characters.next() else {
            return self.push(first, original);
        };
        let start = self.folded.text.len();
        self.folded.text.extend([first, second]);
        self.folded.text.extend(characters);
        let folded = start..self.folded.text.len();
        self.folded.shifts.push(Shift { folded, original });
        self.repeats = 0;
    }

    /// Appends one character, which the piece `original` of the post became.
    fn push(&mut self, character: char, original: Range<usize>) {
        if character == self.last && self.repeats > 0 {
            self.repeats += 1;
            let counts = !character.is_numeric() && character != ' ';
            if counts && self.repeats > MOST_REPEATS {
                return self.widen_last(original);
            }
        } else {
            self.last = character;
            self.repeats = 1;
        }
        let start = self.folded.text.len();
        self.folded.text.push(character);
        if original.len() != character.len_utf8() {
            let folded = start..self.folded.text.len();
            self.folded.shifts.push(Shift { folded, original });
        }
    }

    /// Counts the piece `original` as part of the character before it.
    fn widen_last(&mut self, original: Range<usize>) {
        let end = self.folded.text.len();
        match self.folded.shifts.last_mut() {
            Some(shift) if shift.folded.end == end && !shift.folded.is_empty() => {
                shift.original.end = original.end;
            }
            _ => {
                let length = self.last.len_utf8();
                self.folded.shifts.push(Shift {
                    folded: end - length..end,
                    original: original.start - length..original.end,
                });
            }
        }
    }

    /// Leaves out the piece `original` of the post.
    fn push_nothing(&mut self, original: Range<usize>) {
        let end = self.folded.text.len();
        self.folded.shifts.push(Shift {
            folded: end..end,
            original,
        });
    }
}

/// Whether a character belongs to the one before it: marks, half-width voicing marks, parts of Hangul syllables.
fn joins(character: char) -> bool {
    match character {
        '\0'..'\u{300}' => false,
        '\u{FF9E}' | '\u{FF9F}' | '\u{1161}'..='\u{11FF}' => true,
        _ => canonical_combining_class(character) != 0,
    }
}

/// Characters that show nothing and part no words: directions, soft hyphens, variation selectors.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180B}'..='\u{180F}' | '\u{200E}' | '\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFF9}'..='\u{FFFB}' | '\u{E0100}'..='\u{E01EF}')
}

/// The ASCII character (or ellipsis) that stands for several typographic ones, or a space for what only parts words.
/// U+0080..U+009F are what Windows code page 1252 leaves behind in badly converted text.
fn plain(character: char) -> Option<char> {
    Some(match character {
        '\u{92}'
        | '\u{91}'
        | '\u{B4}'
        | '`'
        | '\u{2018}'..='\u{201B}'
        | '\u{2032}'
        | '\u{2BC}'
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
        '\u{301C}' | '\u{223C}' => '~',
        '\u{200B}' | '\u{FFFD}' | '\u{E000}'..='\u{F8FF}' => ' ',
        _ if character.is_control() || character.is_whitespace() => ' ',
        _ => return None,
    })
}

/// Whether a character is shown as an emoji here; some are only if a selector follows.
fn is_emoji(character: char, next: Option<char>) -> bool {
    match character.emoji_status() {
        EmojiStatus::EmojiPresentation
        | EmojiStatus::EmojiPresentationAndModifierBase
        | EmojiStatus::EmojiPresentationAndEmojiComponent
        | EmojiStatus::EmojiPresentationAndModifierAndEmojiComponent => true,
        EmojiStatus::EmojiOther | EmojiStatus::EmojiModifierBase => next == Some('\u{FE0F}'),
        _ => false,
    }
}

/// Whether the compatibility form is the same character in plain: one character, or several Latin letters and
/// digits (ligatures, units). What it would tear apart (℃, ½, ㈱) or glue to its neighbour (™) stays as it is.
fn is_foldable(character: char) -> bool {
    let mut form = std::iter::once(character).nfkc();
    match (form.next(), form.next()) {
        (Some(_), None) => true,
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
