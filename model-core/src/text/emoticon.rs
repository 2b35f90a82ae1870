//! Emoticons of several characters. The functions return the length in bytes of the emoticon at the start of a folded text,
//! or `None`.

use crate::language::is_han;

/// The longest name of an emoticon in characters: square brackets have many other uses.
const LONGEST_EMOTICON: usize = 8;

/// The emoticons of Weibo with a Latin name. Those with a Chinese name are recognised by it.
const LATIN_EMOTICONS: [&str; 9] = [
    "good", "haha", "ok", "doge", "no", "kiss", "yeah", "orz", "v5",
];

/// An emoticon that is written as its name in brackets, `[哈哈]`.
pub(super) fn named(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('[')?;
    let mut letters = inside.char_indices().take(LONGEST_EMOTICON + 1);
    let (end, close) = letters.find(|(_, letter)| !letter.is_alphanumeric())?;
    let name = &inside[..end];
    let known = name.contains(is_han) || LATIN_EMOTICONS.contains(&name);
    (known && close == ']').then_some(end + 2)
}

/// An emoticon drawn with punctuation: `:-)`, `;p`, `=d`, `:'(`, `<3`, `^_^`, `^^`, `>.<`. `in_word`: whether it follows a letter
/// or digit.
pub(super) fn drawn(text: &str, in_word: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    match bytes {
        [b'<', b'3', ..] => alone(text, 2),
        [b'<', b'/', b'3', ..] => alone(text, 3),
        [b'^', b'-', b'^', ..] => Some(3),
        [b'^', b'^', ..] => Some(bytes.iter().take_while(|&&byte| byte == b'^').count()),
        [b':' | b';' | b'=', ..] => western(text).filter(|_| !is_equation(bytes, in_word)),
        _ => eastern(bytes),
    }
}

/// Whether `=3` is the value of what stands before it.
fn is_equation(bytes: &[u8], in_word: bool) -> bool {
    in_word && bytes.starts_with(b"=3")
}

/// Eyes, perhaps a tear, perhaps a nose, a mouth, lying on the side.
fn western(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_mouth = |place: usize| {
        bytes
            .get(place)
            .is_some_and(|byte| b")(][dpsox/\\|*@$3><".contains(byte))
    };
    let mut mouth = 1;
    if bytes.get(mouth) == Some(&b'\'') {
        mouth += 1;
    }
    if bytes.get(mouth).is_some_and(|byte| b"-^~o".contains(byte)) && is_mouth(mouth + 1) {
        mouth += 1;
    }
    if !is_mouth(mouth) {
        return None;
    }
    let shape = bytes[mouth];
    let width = bytes[mouth..]
        .iter()
        .take_while(|&&byte| byte == shape)
        .count();
    match shape {
        b')' | b']' | b'>' => Some(mouth + width),
        b'/' if width > 1 => None, // the rest of a link
        _ => alone(text, mouth + width),
    }
}

/// Two eyes with a mouth between them, upright.
fn eastern(bytes: &[u8]) -> Option<usize> {
    let is_eye = |place: usize| {
        bytes
            .get(place)
            .is_some_and(|byte| b"^-><=*@~;".contains(byte))
    };
    if !is_eye(0) {
        return None;
    }
    let mouth = bytes[1..]
        .iter()
        .take_while(|byte| b"_.".contains(byte))
        .count();
    ((1..=3).contains(&mouth) && is_eye(mouth + 1)).then_some(mouth + 2)
}

/// `length`, unless a letter or digit follows: `:d` is an emoticon, in `:don't` it is not.
fn alone(text: &str, length: usize) -> Option<usize> {
    (!text[length..].starts_with(char::is_alphanumeric)).then_some(length)
}
