//! What is one word although a general word boundary would cut it: masks, links, addresses, names, emoticons.
//!
//! Every function looks at the start of a folded text (see [`super::fold`]) and tells how many bytes belong
//! to the pattern, `None` if the text does not start with one.

/// The word for a link.
pub(super) const URL: &str = "<url>";
/// The word for an e-mail address.
pub(super) const EMAIL: &str = "<email>";
/// The word for an @name.
pub(super) const USER: &str = "<user>";
/// The word for a long number.
pub(super) const NUMBER: &str = "<num>";

/// Marks that corpora put in the place of what identifies somebody, and the word each is.
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

/// Weibo's emoticons with a Latin name; those with a Chinese one are told by it.
const LATIN_EMOTICONS: [&str; 9] = [
    "good", "haha", "ok", "doge", "no", "kiss", "yeah", "orz", "v5",
];

/// The longest name of an emoticon in characters: the square bracket opens many other things.
const LONGEST_EMOTICON: usize = 8;
/// The longest @name in characters.
const LONGEST_NAME: usize = 30;
/// The longest first half of an e-mail address in bytes (RFC 5321).
const LONGEST_LOCAL_PART: usize = 64;

/// A mask such as `<url>`, and the word it is.
pub(super) fn mask(text: &str) -> Option<(usize, &'static str)> {
    MASKS
        .iter()
        .find(|(mask, _)| text.starts_with(mask))
        .map(|(mask, word)| (mask.len(), *word))
}

/// A link: `https://…`, `www.…`. Punctuation at its end belongs to the sentence.
pub(super) fn link(text: &str) -> Option<usize> {
    let start = ["http://", "https://", "ftp://", "www."]
        .iter()
        .find(|start| text.starts_with(**start))?
        .len();
    let is_part = |byte: &u8| byte.is_ascii_graphic() && !b"\"<>\\^{|}'".contains(byte);
    let whole = text.bytes().take_while(is_part).count();
    let closing: &[char] = match text[start..whole].contains('(') {
        true => &['.', ',', ';', ':', '!', '?', '(', '[', ']', '*', '~'],
        false => &['.', ',', ';', ':', '!', '?', '(', ')', '[', ']', '*', '~'],
    };
    let length = text[..whole].trim_end_matches(closing).len();
    (length > start).then_some(length)
}

/// An e-mail address.
pub(super) fn email(text: &str) -> Option<usize> {
    let local = text
        .bytes()
        .take(LONGEST_LOCAL_PART + 1)
        .take_while(|&byte| byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte))
        .count();
    let domain = text[local..].strip_prefix('@')?;
    let length = domain
        .bytes()
        .take_while(|&byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        .count();
    let domain = domain[..length].trim_end_matches(['.', '-']);
    let (host, top) = domain.rsplit_once('.')?;
    let stands = local > 0 && !host.is_empty() && top.len() >= 2;
    stands.then_some(local + 1 + domain.len())
}

/// An @name of at least two characters: letters and digits of any script, `_`, `-`, or a masked `<user>`.
pub(super) fn user(text: &str) -> Option<usize> {
    let name = text.strip_prefix('@')?;
    if name.starts_with(USER) {
        return Some(1 + USER.len());
    }
    let is_part = |letter: &char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '·');
    let letters = name.chars().take(LONGEST_NAME).take_while(is_part);
    let (count, length) = letters.fold((0, 0), |(count, length), letter| {
        (count + 1, length + letter.len_utf8())
    });
    let begins = name.starts_with(|first: char| first.is_alphanumeric() || first == '_');
    (begins && count >= 2).then_some(1 + length)
}

/// An emoticon that is written as its name in brackets, `[哈哈]`.
pub(super) fn bracket_emoticon(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('[')?;
    let (close, _) = inside
        .char_indices()
        .take(LONGEST_EMOTICON + 1)
        .find(|&(_, letter)| !letter.is_alphanumeric())?;
    let name = &inside[..close];
    let known = name.chars().any(super::is_han) || LATIN_EMOTICONS.contains(&name);
    (known && inside[close..].starts_with(']')).then_some(close + 2)
}

/// An emoticon drawn with punctuation: `:-)`, `;p`, `=d`, `<3`, `^_^`, `-.-`.
pub(super) fn drawn_emoticon(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let at = |place: usize| bytes.get(place).copied().unwrap_or(b' ');
    let alone = |length: usize| !text[length..].starts_with(char::is_alphanumeric);
    match bytes {
        [b'<', b'3', ..] if alone(2) => return Some(2),
        [b'<', b'/', b'3', ..] if alone(3) => return Some(3),
        _ => {}
    }
    if b":;=".contains(&at(0)) {
        let mut mouth = 1;
        if b"'".contains(&at(mouth)) {
            mouth += 1; // a tear
        }
        if b"-^~o".contains(&at(mouth)) && b")(][dpsx/\\|*@$3><".contains(&at(mouth + 1)) {
            mouth += 1; // a nose
        }
        let shape = at(mouth);
        let length = mouth
            + bytes[mouth.min(bytes.len())..]
                .iter()
                .take_while(|&&byte| byte == shape)
                .count();
        return match shape {
            b')' | b']' | b'>' => Some(length),
            b'(' | b'[' | b'<' | b'd' | b'p' | b's' | b'o' | b'x' | b'/' | b'\\' | b'|' | b'*'
            | b'@' | b'$' | b'3'
                if alone(length) =>
            {
                Some(length)
            }
            _ => None,
        };
    }
    let is_eye = |byte: u8| b"^->=*@~;.".contains(&byte);
    if is_eye(at(0)) || at(0) == b'<' {
        let mouth = bytes[1..]
            .iter()
            .take_while(|byte| b"_.".contains(byte))
            .count();
        let right = at(1 + mouth);
        let drawn = (is_eye(right) || right == b'<') && right != b'.' && at(0) != b'.';
        if (1..=3).contains(&mouth) && drawn {
            return Some(mouth + 2);
        }
        if bytes.starts_with(b"^-^") {
            return Some(3);
        }
    }
    None
}
