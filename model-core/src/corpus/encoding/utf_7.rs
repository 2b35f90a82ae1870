//! UTF-7 (RFC 2152), which is recognised but not decoded: characters beyond ASCII are UTF-16 in Base64, between `+` and `-`.

use super::is_usual;

/// Whether a text is likely to be in UTF-7: nearly all that follows a `+` in it is Base64 of usual characters, and not all of
/// it can be words or numbers.
pub(in crate::corpus) fn is_utf_7(head: &[u8]) -> bool {
    if !head.is_ascii() {
        return false;
    }
    let (mut valid, mut invalid, mut is_evident) = (0, 0, false);
    let mut rest = head;
    while let Some(plus) = rest.iter().position(|&byte| byte == b'+') {
        rest = &rest[plus + 1..];
        let length = rest.iter().position(|&byte| sextet(byte).is_none());
        let (coded, after) = rest.split_at(length.unwrap_or(rest.len()));
        rest = after;
        // What the first bytes of the file cut off tells nothing, and `+-` is a plus.
        if after.is_empty() || (coded.is_empty() && after[0] == b'-') {
            continue;
        }
        match units(coded) {
            Some(units) => {
                valid += 1;
                is_evident |= !is_word(coded) && (units > 1 || after[0] == b'-');
            }
            None => invalid += 1,
        }
    }
    is_evident && valid > 2 * invalid
}

fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}

/// The number of units of UTF-16 in Base64, if they are usual and some are beyond ASCII.
fn units(coded: &[u8]) -> Option<usize> {
    let (mut units, mut bits, mut value) = (Vec::new(), 0, 0);
    for sextet in coded.iter().filter_map(|&byte| sextet(byte)) {
        value = value << 6 | sextet;
        bits += 6;
        if bits >= 16 {
            bits -= 16;
            units.push((value >> bits) as u16);
            value &= (1 << bits) - 1;
        }
    }
    let is_whole = value == 0 && bits < 6;
    let are_usual =
        units.iter().all(|&unit| is_usual(unit)) && units.iter().any(|&unit| unit > 0x7F);
    let are_characters = char::decode_utf16(units.iter().copied()).all(|letter| letter.is_ok());
    (is_whole && are_usual && are_characters).then_some(units.len())
}

/// Whether this may be a word or a number that follows a plus.
fn is_word(text: &[u8]) -> bool {
    let is_capitalised = text[1..].iter().all(u8::is_ascii_lowercase);
    let is_upper = text.iter().all(u8::is_ascii_uppercase);
    (text[0].is_ascii_alphabetic() && (is_capitalised || is_upper))
        || text.iter().all(u8::is_ascii_digit)
}
