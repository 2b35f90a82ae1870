//! Latin text of older computers, which the detector takes for Windows': Mac Roman, and IBM850 of DOS, whose accented letters
//! IBM437 has in the same places.

use super::Encoding;

/// The characters of IBM850 from 0x80 on.
const IBM850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀\
    ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{AD}±‗¾¶§÷¸°¨·¹³²■\u{A0}";

/// The text of bytes in IBM850.
pub(super) fn decode_ibm850<'a>(bytes: &'a [u8]) -> impl Iterator<Item = char> + 'a {
    let high: Vec<char> = IBM850.chars().collect();
    (bytes.iter()).map(move |&byte| match byte {
        0x80.. => high[usize::from(byte - 0x80)],
        _ => char::from(byte),
    })
}

/// The encoding of older computers in which this text has hardly any odd character, if it has many in the one that was
/// guessed.
pub(super) fn of_older_computers(
    head: &[u8],
    guess: &'static encoding_rs::Encoding,
) -> Option<Encoding> {
    if !guess.is_single_byte() {
        return None;
    }
    let text =
        |encoding| String::from_utf8_lossy(&Encoding::decode_head(encoding, head)).into_owned();
    let odd = odd_characters(&text(Encoding::Legacy(guess)));
    if !are_many(odd, head) {
        return None;
    }
    let candidates = [Encoding::Legacy(encoding_rs::MACINTOSH), Encoding::Ibm850];
    let counted = candidates.map(|encoding| (odd_characters(&text(encoding)), encoding));
    let (least, encoding) = counted.into_iter().min_by_key(|(odd, _)| *odd)?;
    (4 * least <= odd).then_some(encoding)
}

/// Whether so many characters hardly stand where they are that the text is likely to be in another encoding than this one.
pub(super) fn is_doubtful(text: &str, head: &[u8]) -> bool {
    are_many(odd_characters(text), head)
}

fn are_many(odd: usize, head: &[u8]) -> bool {
    let beyond = head.iter().filter(|byte| !byte.is_ascii()).count();
    odd > 0 && 5 * odd >= beyond
}

/// The number of characters beyond ASCII that hardly stand where they are, such as the capital in `cafŽ`, which is `café` in
/// Mac Roman, and the sign in `ni¤o`, which is `niño` in IBM850.
fn odd_characters(text: &str) -> usize {
    let letters: Vec<char> = text.chars().collect();
    let at = |index: Option<usize>| {
        index
            .and_then(|index| letters.get(index))
            .copied()
            .unwrap_or(' ')
    };
    let is_odd = |&index: &usize| {
        is_odd(
            at(index.checked_sub(1)),
            letters[index],
            at(Some(index + 1)),
        )
    };
    let beyond = (0..letters.len()).filter(|&index| !letters[index].is_ascii());
    beyond.filter(is_odd).count()
}

fn is_odd(before: char, letter: char, after: char) -> bool {
    let is_in_word =
        before.is_alphabetic() && after.is_alphabetic() && (before.is_ascii() || after.is_ascii());
    match letter {
        // Control characters, the frames of DOS, and letters that hardly anybody writes.
        '\u{80}'..='\u{9F}' | '\u{2500}'..='\u{25A0}' | 'ﬁ' | 'ﬂ' => true,
        // Marks of names, order and units.
        'ª' | 'º' | 'µ' | 'ƒ' | 'ı' => is_in_word,
        // They begin a quotation, stand above a letter, or follow a number.
        '‚' | '„' | '‡' | 'ˆ' | '‰' => before.is_alphabetic(),
        // Apostrophes, dashes, spaces, separators and accents of their own.
        '’'
        | '‘'
        | '´'
        | '–'
        | '—'
        | '…'
        | '•'
        | '·'
        | '\u{A0}'
        | '\u{AD}'
        | '\u{300}'..='\u{36F}' => false,
        _ if letter.is_alphabetic() => {
            // Letters of another script hardly touch Latin ones.
            let is_foreign =
                letter > '\u{24F}' && (before.is_ascii_alphabetic() || after.is_ascii_alphabetic());
            let is_late_capital = letter.is_uppercase()
                && (before.is_lowercase() || (before.is_alphabetic() && after.is_lowercase()));
            is_foreign || is_late_capital
        }
        _ => is_in_word,
    }
}
