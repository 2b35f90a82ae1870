//! Folding: maps the many ways to write a text to one spelling, and keeps the way back to the original bytes.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use super::character::{
    has_plain_form, is_emoji, is_idle, is_invisible, joins, phrase, plain, simplified,
};

/// The most repetitions of a character that are kept: "soooooo" is "sooo".
const MOST_REPEATS: usize = 3;

/// A folded post.
pub(super) struct Folded<'a> {
    post: &'a str,
    /// The folded text. [`Folded::original`] maps its byte ranges to the post.
    pub text: String,
    /// The pieces whose length changed, in order. Between them, both texts have the same length.
    shifts: Vec<Shift>,
}

/// A piece of the post whose length changed by folding.
struct Shift {
    folded: Range<usize>,
    original: Range<usize>,
}

impl Folded<'_> {
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

    /// How many of the first bytes of the range `folded` were ASCII in the post. The full-width comma after a link folds to a
    /// sign that could belong to the link.
    pub fn ascii_length(&self, folded: Range<usize>) -> usize {
        let first = self
            .shifts
            .partition_point(|shift| shift.folded.start < folded.start);
        self.shifts[first..]
            .iter()
            .take_while(|shift| shift.folded.start < folded.end)
            .find(|shift| !self.post[shift.original.clone()].is_ascii())
            .map_or(folded.len(), |shift| shift.folded.start - folded.start)
    }
}

/// Folds a post: Unicode compatibility forms (full and half width, ligatures, styled letters) to the
/// plain ones, traditional Chinese characters to simplified ones, combining marks composed, lower case, control
/// characters but line breaks to spaces, invisible marks dropped, typographic quotes, dashes and full stops to the ASCII ones,
/// and a character repeated more than three times to three (digits and spaces excepted).
pub(super) fn fold(post: &str) -> Folded<'_> {
    let mut folder = Folder {
        folded: Folded {
            post,
            text: String::with_capacity(post.len()),
            shifts: Vec::new(),
        },
        last: ' ',
        repeats: 0,
    };
    let bytes = post.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        // ASCII, unless a combining mark may follow it.
        if bytes[at].is_ascii() && bytes.get(at + 1).is_none_or(u8::is_ascii) {
            let folded = match bytes[at] {
                b'`' => b'\'',
                b'\n' => b'\n',
                byte if byte.is_ascii_control() => b' ',
                byte => byte.to_ascii_lowercase(),
            };
            folder.push([char::from(folded)], at..at + 1);
            at += 1;
        } else {
            at += folder.push_cluster(&post[at..], at);
        }
    }
    folder.folded
}

struct Folder<'a> {
    folded: Folded<'a>,
    /// The last character of the folded text, and how many times in a row the post had it.
    last: char,
    repeats: usize,
}

impl Folder<'_> {
    /// Folds the first character of `rest` with its combining marks and returns their length; `at` is its offset in the post.
    fn push_cluster(&mut self, rest: &str, at: usize) -> usize {
        let mut characters = rest.chars();
        let Some(first) = characters.next() else {
            return 0;
        };
        let length = first.len_utf8();
        if let '\u{4E00}'..='\u{9FFF}' = first {
            // A fast path for most of a Chinese post.
            let Some((phrase, form)) = phrase(rest) else {
                self.push([simplified(first)], at..at + length);
                return length;
            };
            for ((start, letter), form) in phrase.char_indices().zip(form.chars()) {
                let start = at + start;
                self.push([form], start..start + letter.len_utf8());
            }
            return phrase.len();
        }
        if is_invisible(first) || is_idle(first, self.last, characters.clone().next()) {
            self.push([], at..at + length);
            return length;
        }
        if let Some(plain) = plain(first) {
            self.push([plain], at..at + length);
            return length;
        }
        let has_plain_form = !is_emoji(first, characters.clone().next()) && has_plain_form(first);
        let marks = characters.take_while(|&next| joins(first, next));
        let length = length + marks.map(char::len_utf8).sum::<usize>();
        let cluster = &rest[..length];
        let original = at..at + length;
        if has_plain_form {
            let forms = cluster.nfkc();
            let forms = forms.map(|form| plain(form).unwrap_or_else(|| simplified(form)));
            self.push(forms.flat_map(char::to_lowercase).nfc(), original);
        } else if length > first.len_utf8() {
            self.push(cluster.nfc().flat_map(char::to_lowercase).nfc(), original);
        } else {
            self.push(first.to_lowercase(), original);
        }
        length
    }

    /// Appends `characters`, the folded form of the piece `original` of the post, without excess repetitions.
    fn push(&mut self, characters: impl IntoIterator<Item = char>, original: Range<usize>) {
        let start = self.folded.text.len();
        let mut count = 0;
        for character in characters {
            count += 1;
            let again = character == self.last
                && !character.is_numeric()
                && !matches!(character, ' ' | '\n');
            self.repeats = if again { self.repeats + 1 } else { 1 };
            self.last = character;
            if self.repeats <= MOST_REPEATS {
                self.folded.text.push(character);
            }
        }
        let folded = start..self.folded.text.len();
        if count > 0 && folded.is_empty() {
            self.widen_last(original);
        } else if count != 1 || folded.len() != original.len() {
            self.folded.shifts.push(Shift { folded, original });
        }
    }

    /// Makes the piece `original` part of the character before it.
    fn widen_last(&mut self, original: Range<usize>) {
        let end = self.folded.text.len();
        let shifts = &mut self.folded.shifts;
        // Dropped characters in between become part of it as well.
        let mut start = original.start;
        while let Some(nothing) = shifts.pop_if(|shift| shift.folded == (end..end)) {
            start = nothing.original.start;
        }
        match shifts.last_mut() {
            Some(shift) if shift.folded.end == end => shift.original.end = original.end,
            _ => {
                let length = self.last.len_utf8();
                shifts.push(Shift {
                    folded: end - length..end,
                    original: start - length..original.end,
                });
            }
        }
    }
}
