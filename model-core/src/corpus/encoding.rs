//! The encoding of a file's text: found by its first bytes, and decoded to UTF-8 as it is read.

#[cfg(feature = "encodings")]
mod hz;
#[cfg(feature = "encodings")]
mod latin;
mod utf_7;

#[cfg(feature = "encodings")]
use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};
#[cfg(feature = "encodings")]
use std::ops::RangeInclusive;

use utf_7::is_utf_7;

/// The note for a file whose characters beyond ASCII are encoded in ASCII.
const UTF_7: &str =
    "it looks like UTF-7, which is not decoded here; convert it with iconv -f UTF-7 -t UTF-8";

/// The most bytes that are decoded at a time.
const PIECE_BYTES: usize = 1 << 16;

/// How many valid characters beyond ASCII there are in UTF-8 for each invalid one, at least: a crawler that cuts posts
/// leaves broken ones. A few characters of GB18030, Big5 or Shift-JIS have up to two valid ones for each invalid one by chance.
const VALID_FOR_EACH_INVALID: usize = 3;

/// The most bytes beyond ASCII of a short text, in which the detector has too few characters to count.
#[cfg(feature = "encodings")]
const SHORT_BYTES: usize = 64;

/// The least number of different characters by which Korean and Japanese are distinguished from Chinese.
#[cfg(feature = "encodings")]
const FEW_PAIRS: usize = 8;

/// Encodings that the detector mistakes short Chinese for.
#[cfg(feature = "encodings")]
const MISTAKEN: [&encoding_rs::Encoding; 7] = [
    encoding_rs::EUC_KR,
    encoding_rs::EUC_JP,
    encoding_rs::SHIFT_JIS,
    encoding_rs::WINDOWS_1250,
    encoding_rs::WINDOWS_1252,
    encoding_rs::WINDOWS_1254,
    encoding_rs::WINDOWS_1257,
];

/// An encoding of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8. Invalid bytes are left to the reader of the records.
    Utf8,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// An older encoding, such as GB18030.
    #[cfg(feature = "encodings")]
    Legacy(&'static encoding_rs::Encoding),
    /// HZ, which is GB 2312 in ASCII.
    #[cfg(feature = "encodings")]
    Hz,
    /// IBM850, the code page of DOS for western Europe.
    #[cfg(feature = "encodings")]
    Ibm850,
}

impl Encoding {
    /// The encoding with this name, such as `gbk`, `big5` or `latin1`; `None` if the program does not know it.
    pub fn by_name(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => return Some(Self::Utf8),
            "utf-16" | "utf-16le" | "utf16" => return Some(Self::Utf16Le),
            "utf-16be" => return Some(Self::Utf16Be),
            _ => {}
        }
        Self::legacy_by_name(name)
    }

    /// The encoding of a text that starts with `head`, by its byte order mark or else by its content. `None` if it is none
    /// that this program knows, or so much of it is control characters that it is no text.
    pub fn recognise(head: &[u8]) -> Option<Self> {
        match head {
            [0xEF, 0xBB, 0xBF, ..] => return Some(Self::Utf8),
            // UTF-32, which no usual program writes.
            [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => return None,
            [0xFF, 0xFE, ..] => return Some(Self::Utf16Le),
            [0xFE, 0xFF, ..] => return Some(Self::Utf16Be),
            _ => {}
        }
        if let Some(utf_16) = utf_16_without_mark(head) {
            return Some(utf_16);
        }
        if is_binary(head) {
            return None;
        }
        if is_utf_8(head) {
            return Some(Self::within_ascii(head).unwrap_or(Self::Utf8));
        }
        Self::recognise_legacy(head)
    }

    #[cfg(feature = "encodings")]
    fn legacy_by_name(name: &str) -> Option<Self> {
        let by_label =
            |name: &str| encoding_rs::Encoding::for_label_no_replacement(name.as_bytes());
        // Python and Windows write some names in other ways.
        let other = name.trim().to_ascii_lowercase().replace('_', "-");
        let other = match other.as_str() {
            "utf-8-sig" => "utf-8",
            "latin-1" => "latin1",
            "cp932" => "shift_jis",
            "cp936" => "gbk",
            "cp949" => "euc-kr",
            "cp950" => "big5",
            "mac-roman" => "macintosh",
            "mac-cyrillic" => "x-mac-cyrillic",
            "tis-620" => "windows-874",
            "hz" | "hz-gb-2312" | "hz-gb" => return Some(Self::Hz),
            "cp850" | "ibm850" | "ibm-850" | "850" => return Some(Self::Ibm850),
            other => other,
        };
        by_label(name).or_else(|| by_label(other)).map(Self::of)
    }

    /// An encoding without bytes beyond ASCII, if a text has its escapes: HZ or ISO-2022-JP.
    #[cfg(feature = "encodings")]
    fn within_ascii(head: &[u8]) -> Option<Self> {
        use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
        if hz::is_hz(head) {
            return Some(Self::Hz);
        }
        if !head.is_ascii() || !head.contains(&0x1B) {
            return None;
        }
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
        detector.feed(head, false);
        let guess = detector.guess(None, Utf8Detection::Deny);
        (guess == encoding_rs::ISO_2022_JP).then_some(Self::Legacy(guess))
    }

    #[cfg(feature = "encodings")]
    fn recognise_legacy(head: &[u8]) -> Option<Self> {
        use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(head, false);
        let guess = detector.guess(None, Utf8Detection::Deny);
        let is_chinese = MISTAKEN.contains(&guess) && !is_korean_or_japanese(head, guess);
        let chinese = is_chinese.then(|| short_chinese(head));
        if let Some(chinese) = chinese.flatten() {
            return Some(Self::of(chinese));
        }
        Some(latin::of_older_computers(head, guess).unwrap_or(Self::of(guess)))
    }

    /// The note for a file that starts with `head` and was recognised to be in this encoding; `None` for UTF-8.
    pub fn note(self, head: &[u8]) -> Option<String> {
        let name = self.name();
        Some(match self {
            Self::Utf8 => return is_utf_7(head).then(|| UTF_7.to_owned()),
            Self::Utf16Le | Self::Utf16Be => format!("read as {name}"),
            // The others are recognised by the frequencies of characters, of which a short text has few.
            #[cfg(feature = "encodings")]
            _ => {
                let others = self.likely_others();
                let doubt = match self.is_doubtful(head) {
                    true => ", in which many signs or capitals stand inside words",
                    false => "",
                };
                format!("read as {name}{doubt}; --encoding NAME states another one{others}")
            }
        })
    }

    #[cfg(feature = "encodings")]
    fn is_doubtful(self, head: &[u8]) -> bool {
        let has_letters_alone = match self {
            Self::Legacy(encoding) => encoding.is_single_byte(),
            _ => false,
        };
        has_letters_alone
            && latin::is_doubtful(&String::from_utf8_lossy(&self.decode_head(head)), head)
    }

    /// Other encodings that a text may be in which was recognised as this one.
    #[cfg(feature = "encodings")]
    fn likely_others(self) -> &'static str {
        use encoding_rs::{BIG5, GB18030, MACINTOSH, WINDOWS_1252};
        match self {
            Self::Legacy(encoding) if [GB18030, BIG5].contains(&encoding) => {
                ", such as euc-kr or euc-jp"
            }
            Self::Legacy(encoding) if encoding == WINDOWS_1252 => {
                ", such as macintosh or windows-1250"
            }
            Self::Legacy(encoding) if encoding == MACINTOSH => ", such as windows-1252",
            Self::Ibm850 => ", such as windows-1252",
            _ => "",
        }
    }

    #[cfg(not(feature = "encodings"))]
    fn legacy_by_name(_: &str) -> Option<Self> {
        None
    }

    #[cfg(not(feature = "encodings"))]
    fn recognise_legacy(_: &[u8]) -> Option<Self> {
        None
    }

    #[cfg(not(feature = "encodings"))]
    fn within_ascii(_: &[u8]) -> Option<Self> {
        None
    }

    #[cfg(feature = "encodings")]
    fn of(encoding: &'static encoding_rs::Encoding) -> Self {
        if encoding == encoding_rs::UTF_8 {
            Self::Utf8
        } else if encoding == encoding_rs::UTF_16LE {
            Self::Utf16Le
        } else if encoding == encoding_rs::UTF_16BE {
            Self::Utf16Be
        } else if encoding == encoding_rs::GBK {
            // GBK is a part of it.
            Self::Legacy(encoding_rs::GB18030)
        } else {
            Self::Legacy(encoding)
        }
    }

    /// The usual name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            #[cfg(feature = "encodings")]
            Self::Legacy(encoding) if encoding == encoding_rs::GB18030 => "GB18030",
            #[cfg(feature = "encodings")]
            Self::Legacy(encoding) => encoding.name(),
            #[cfg(feature = "encodings")]
            Self::Hz => "HZ-GB-2312",
            #[cfg(feature = "encodings")]
            Self::Ibm850 => "IBM850",
        }
    }

    fn decoder(self) -> Option<Decoder> {
        match self {
            Self::Utf8 => None,
            Self::Utf16Le => Some(Decoder::Utf16(u16::from_le_bytes, Vec::new())),
            Self::Utf16Be => Some(Decoder::Utf16(u16::from_be_bytes, Vec::new())),
            #[cfg(feature = "encodings")]
            Self::Legacy(encoding) => {
                Some(Decoder::Legacy(encoding.new_decoder_without_bom_handling()))
            }
            #[cfg(feature = "encodings")]
            Self::Hz => {
                let decoder = encoding_rs::GB18030.new_decoder_without_bom_handling();
                Some(Decoder::Hz(hz::State::Ascii, decoder))
            }
            #[cfg(feature = "encodings")]
            Self::Ibm850 => Some(Decoder::Ibm850),
        }
    }

    /// The text of the first bytes of a file as UTF-8. A character that they cut off is U+FFFD.
    pub fn decode_head(self, head: &[u8]) -> Vec<u8> {
        match self.decoder() {
            None => head.to_vec(),
            Some(mut decoder) => {
                let mut text = String::new();
                decoder.decode(head, true, &mut text);
                text.into_bytes()
            }
        }
    }

    /// The text of `reader` as UTF-8, with U+FFFD for what is invalid. UTF-8 stays as it is.
    pub fn decode<R: BufRead>(self, reader: R) -> Decoded<R> {
        match self.decoder() {
            None => Decoded::Utf8(reader),
            Some(decoder) => Decoded::Other(Recoded {
                reader,
                decoder: Some(decoder),
                text: String::new(),
                taken: 0,
            }),
        }
    }
}

/// Whether a text that was guessed to be in EUC-KR or EUC-JP is so Korean or Japanese that it cannot be Chinese.
#[cfg(feature = "encodings")]
fn is_korean_or_japanese(head: &[u8], guess: &encoding_rs::Encoding) -> bool {
    // Laughter in Chinese repeats one character.
    let pairs: BTreeSet<(u8, Option<u8>)> = pairs(head).collect();
    let count =
        |rows: RangeInclusive<u8>| pairs.iter().filter(|(lead, _)| rows.contains(lead)).count();
    if pairs.len() < FEW_PAIRS {
        return false;
    }
    if guess == encoding_rs::EUC_KR {
        // All syllables are in the last of these rows, which have half of the usual characters of GB 2312.
        return count(0xA1..=0xA3) + count(0xB0..=0xC8) == pairs.len();
    }
    // Kana are in these rows.
    guess == encoding_rs::EUC_JP && 2 * count(0xA4..=0xA5) >= pairs.len()
}

/// The bytes beyond ASCII in pairs.
#[cfg(feature = "encodings")]
fn pairs(head: &[u8]) -> impl Iterator<Item = (u8, Option<u8>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += head[at..].iter().position(|byte| !byte.is_ascii())?;
        let pair = (head[at], head.get(at + 1).copied());
        at = (at + 2).min(head.len());
        Some(pair)
    })
}

/// GB18030 or Big5 if a text is short and each byte beyond ASCII belongs to a pair that is a usual character in it. Korean in
/// EUC-KR has the same pairs; what this project reads is Chinese more often.
#[cfg(feature = "encodings")]
fn short_chinese(head: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let beyond = head.iter().filter(|byte| !byte.is_ascii()).count();
    if beyond > SHORT_BYTES {
        return None;
    }
    let big5 = |lead, trail| match (lead, trail) {
        (0xA1..=0xA3, 0x40..=0x7E | 0xA1..=0xFE) => Some(Pair::Sign),
        (0xA4..=0xC6, 0x40..=0x7E | 0xA1..=0xFE) => Some(Pair::Usual),
        (0xC9..=0xF9, 0x40..=0x7E | 0xA1..=0xFE) => Some(Pair::Rare),
        _ => None,
    };
    if is_all_usual(head, gb) {
        Some(encoding_rs::GB18030)
    } else if is_all_usual(head, big5) {
        Some(encoding_rs::BIG5)
    } else {
        None
    }
}

/// The kind of a character of GB 2312. Level 1 has the usual characters, level 2 rare ones and some interjections, as in Big5.
#[cfg(feature = "encodings")]
fn gb(lead: u8, trail: u8) -> Option<Pair> {
    match (lead, trail) {
        (0xA1..=0xA3, 0xA1..=0xFE) => Some(Pair::Sign),
        (0xB0..=0xD7, 0xA1..=0xFE) => Some(Pair::Usual),
        (0xD8..=0xF7, 0xA1..=0xFE) => Some(Pair::Rare),
        _ => None,
    }
}

/// The kind of a character of two bytes in an encoding of Chinese.
#[cfg(feature = "encodings")]
#[derive(Clone, Copy, PartialEq)]
enum Pair {
    Sign,
    Usual,
    Rare,
}

/// Whether all bytes beyond ASCII are in pairs, of which more are usual than rare and two follow each other: in Latin text,
/// accents stand alone.
#[cfg(feature = "encodings")]
fn is_all_usual(head: &[u8], pair: impl Fn(u8, u8) -> Option<Pair>) -> bool {
    let (mut usual, mut rare, mut at, mut has_two, mut is_second) = (0, 0, 0, false, false);
    while at < head.len() {
        if head[at].is_ascii() {
            is_second = false;
            at += 1;
            continue;
        }
        // The last pair may be cut off.
        let Some(&trail) = head.get(at + 1) else {
            break;
        };
        match pair(head[at], trail) {
            Some(Pair::Sign) => {}
            Some(Pair::Usual) => usual += 1,
            Some(Pair::Rare) => rare += 1,
            None => return false,
        }
        has_two |= is_second;
        is_second = true;
        at += 2;
    }
    has_two && usual > rare
}

/// UTF-16 whose ASCII characters have NUL bytes. A NUL in other text comes alone.
fn utf_16_without_mark(head: &[u8]) -> Option<Encoding> {
    let nuls = head.iter().filter(|&&byte| byte == 0).count();
    if nuls == 0 || (10 * nuls < head.len() && is_utf_8(head)) {
        return None;
    }
    // English is Chinese with its bytes swapped, so that ASCII decides between equals.
    let ranked = |encoding, unit: fn([u8; 2]) -> u16| {
        let (pairs, _) = head.as_chunks();
        let units = || pairs.iter().map(|&pair| unit(pair));
        let usual = units().filter(|&unit| is_usual(unit)).count();
        let ascii = units().filter(|&unit| unit < 0x7F).count();
        (10 * usual > 9 * pairs.len()).then_some(((usual, ascii), encoding))
    };
    let orders = [
        ranked(Encoding::Utf16Le, u16::from_le_bytes),
        ranked(Encoding::Utf16Be, u16::from_be_bytes),
    ];
    let best = orders.into_iter().flatten().max_by_key(|(rank, _)| *rank);
    best.map(|(_, encoding)| encoding)
}

/// Whether a unit of UTF-16 is usual in Latin or Chinese text: a letter, punctuation or half of an emoji.
fn is_usual(unit: u16) -> bool {
    matches!(unit,
        0x09 | 0x0A | 0x0D | 0x20..=0x7E | 0xA0..=0x24F | 0x2000..=0x206F | 0x3000..=0x30FF | 0x4E00..=0x9FFF
        | 0xD800..=0xDFFF | 0xFE0F | 0xFEFF..=0xFFEF)
}

/// Whether so many bytes are control characters that this is no text, unless it is UTF-16. In compressed data every tenth is one.
fn is_binary(head: &[u8]) -> bool {
    let is_control = |byte: &&u8| matches!(byte, 0..=8 | 0x0E..=0x1A | 0x1C..=0x1F);
    let controls = head.iter().filter(is_control).count();
    let share = if is_utf_8(head) { 3 } else { 20 };
    share * controls > head.len()
}

/// Whether nearly all characters are valid in UTF-8. The last one may be cut off.
fn is_utf_8(head: &[u8]) -> bool {
    let (mut valid, mut invalid) = (0, 0);
    let mut chunks = head.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        valid += (chunk.valid().chars())
            .filter(|letter| !letter.is_ascii())
            .count();
        // The last bytes may be the beginning of a character.
        let is_cut = chunks.peek().is_none()
            && std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none());
        invalid += usize::from(!chunk.invalid().is_empty() && !is_cut);
    }
    invalid == 0 || valid >= VALID_FOR_EACH_INVALID * invalid
}

enum Decoder {
    /// How two bytes are a unit, and the bytes that wait for more.
    Utf16(fn([u8; 2]) -> u16, Vec<u8>),
    #[cfg(feature = "encodings")]
    Legacy(encoding_rs::Decoder),
    /// With the decoder of GB18030, into which HZ is turned first.
    #[cfg(feature = "encodings")]
    Hz(hz::State, encoding_rs::Decoder),
    #[cfg(feature = "encodings")]
    Ibm850,
}

#[cfg(feature = "encodings")]
fn decode_legacy(
    decoder: &mut encoding_rs::Decoder,
    bytes: &[u8],
    is_last: bool,
    text: &mut String,
) {
    let most = decoder.max_utf8_buffer_length(bytes.len());
    text.reserve(most.unwrap_or_default());
    let _ = decoder.decode_to_string(bytes, text, is_last);
}

impl Decoder {
    /// Adds the text of the next bytes, the last ones of the file if `is_last`.
    fn decode(&mut self, bytes: &[u8], is_last: bool, text: &mut String) {
        match self {
            Self::Utf16(unit, waiting) => {
                waiting.extend_from_slice(bytes);
                let (pairs, rest) = waiting.as_chunks();
                let mut units: Vec<u16> = pairs.iter().map(|&pair| unit(pair)).collect();
                // Two surrogates are a character.
                if !is_last && (units.last()).is_some_and(|last| (0xD800..0xDC00).contains(last)) {
                    units.pop();
                }
                let is_torn = is_last && !rest.is_empty();
                waiting.drain(..2 * units.len());
                let characters = char::decode_utf16(units);
                text.extend(characters.map(|letter| letter.unwrap_or('\u{FFFD}')));
                text.extend(is_torn.then_some('\u{FFFD}'));
            }
            #[cfg(feature = "encodings")]
            Self::Legacy(decoder) => decode_legacy(decoder, bytes, is_last, text),
            #[cfg(feature = "encodings")]
            Self::Hz(state, decoder) => {
                let mut gb18030 = Vec::with_capacity(bytes.len());
                for &byte in bytes {
                    state.push(byte, &mut gb18030);
                }
                decode_legacy(decoder, &gb18030, is_last, text);
            }
            #[cfg(feature = "encodings")]
            Self::Ibm850 => text.extend(latin::decode_ibm850(bytes)),
        }
    }
}

/// A file's text in UTF-8, see [`Encoding::decode`].
pub enum Decoded<R> {
    /// Text that was in UTF-8.
    Utf8(R),
    /// Text that was in another encoding.
    Other(Recoded<R>),
}

impl<R: BufRead> BufRead for Decoded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::Utf8(reader) => reader.fill_buf(),
            Self::Other(reader) => reader.fill_buf(),
        }
    }

    fn consume(&mut self, bytes: usize) {
        match self {
            Self::Utf8(reader) => reader.consume(bytes),
            Self::Other(reader) => reader.taken += bytes,
        }
    }
}

impl<R: BufRead> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// Text in UTF-8 from bytes in another encoding.
pub struct Recoded<R> {
    reader: R,
    /// `None` after the last byte.
    decoder: Option<Decoder>,
    text: String,
    taken: usize,
}

impl<R: BufRead> Recoded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.taken == self.text.len()
            && let Some(decoder) = &mut self.decoder
        {
            self.text.clear();
            self.taken = 0;
            let bytes = self.reader.fill_buf()?;
            let bytes = &bytes[..bytes.len().min(PIECE_BYTES)];
            let (length, is_last) = (bytes.len(), bytes.is_empty());
            decoder.decode(bytes, is_last, &mut self.text);
            self.reader.consume(length);
            if is_last {
                self.decoder = None;
            }
        }
        Ok(&self.text.as_bytes()[self.taken..])
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn utf_16_was_read_letter_by_letter() {
        for text in ["id,text\n1,tea 🍵\n", "第一行，今天\n第二行，雨\n"] {
            for (bytes, encoding) in [
                (utf_16(text, u16::to_le_bytes), Encoding::Utf16Le),
                (utf_16(text, u16::to_be_bytes), Encoding::Utf16Be),
            ] {
                assert_eq!(Encoding::recognise(&bytes), Some(encoding), "{text}");
                assert_eq!(encoding.decode_head(&bytes), text.as_bytes());
            }
        }
        // A NUL, or a cut character, is no reason to think of UTF-16.
        for text in [
            &b"one\0two and more text"[..],
            b"",
            "caf\u{e9}".split_at(3).0.as_bytes(),
        ] {
            assert_eq!(Encoding::recognise(text), Some(Encoding::Utf8));
        }
        assert_eq!(
            Encoding::recognise("今天".as_bytes().split_last().unwrap().1),
            Some(Encoding::Utf8)
        );
    }

    #[test]
    fn utf_32_was_read_as_utf_16_with_nuls() {
        for bytes in [&b"\xff\xfe\0\0i\0\0\0"[..], b"\0\0\xfe\xff\0\0\0i"] {
            assert_eq!(Encoding::recognise(bytes), None);
        }
    }

    #[test]
    fn a_broken_character_does_not_make_utf_8_something_else() {
        let mut bytes = "今天天气很好，我们去爬山吧".as_bytes().to_vec();
        bytes.insert(6, 0xE4);
        bytes.extend(b" and more");
        assert_eq!(Encoding::recognise(&bytes), Some(Encoding::Utf8));
    }

    #[cfg(feature = "encodings")]
    #[test]
    fn binary_data_was_text_in_windows_1252() {
        let mut state = 1u32;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        let noise: Vec<u8> = noise.take(1000).collect();
        for bytes in [&noise[..], b"\0\0\0\x18a\0\0\0\0", &[3; 20]] {
            assert_eq!(Encoding::recognise(bytes), None);
        }
        for text in [&b"a bell\x07, text, caf\xe9 and more"[..], b"a\0b", b""] {
            assert!(Encoding::recognise(text).is_some());
        }
    }

    #[test]
    fn a_cut_character_in_a_short_file_made_it_another_encoding() {
        for (text, cut) in [
            ("1,“hello” today\n2,It’s cut off by the datab", "…"),
            ("今天天气\n今", "天"),
            ("1,今天天气真好\n2,今", "天"),
            ("caf\u{e9} cr\u{e8}me na\u{ef}ve ", "é"),
        ] {
            let mut bytes = text.as_bytes().to_vec();
            bytes.extend(&cut.as_bytes()[..cut.len() - 1]);
            bytes.extend(b"\n3,ok\n");
            let found = Encoding::recognise(&bytes);
            assert_eq!(found, Some(Encoding::Utf8), "{text}");
        }
    }

    #[cfg(feature = "encodings")]
    #[test]
    fn older_encodings_are_found_by_content() {
        let text = "今天天气很好，我们去爬山吧。你说好不好呢？明天上班，早点睡觉。";
        let traditional = "今天天氣很好，我們去爬山吧。你說好不好呢？明天上班，早點睡覺。";
        for (encoding, name, text) in [
            (encoding_rs::GB18030, "GB18030", text),
            (encoding_rs::BIG5, "Big5", traditional),
            (
                encoding_rs::WINDOWS_1252,
                "windows-1252",
                "Un café crème à l’été, naïve façade",
            ),
        ] {
            let bytes = encoding.encode(text).0;
            let found = Encoding::recognise(&bytes).unwrap();
            assert_eq!(found.name(), name);
            assert_eq!(found.decode_head(&bytes), text.as_bytes());
            assert_eq!(Encoding::by_name(name), Some(found));
        }
        assert_eq!(Encoding::by_name("latin1").unwrap().name(), "windows-1252");
        assert_eq!(Encoding::by_name("gbk").unwrap().name(), "GB18030");
        assert_eq!(Encoding::by_name("klingon"), None);
        for (name, expected) in [
            ("shift_jis", "Shift_JIS"),
            ("cp932", "Shift_JIS"),
            ("euc_jp", "EUC-JP"),
            ("cp949", "EUC-KR"),
            ("koi8_r", "KOI8-R"),
            ("cp1251", "windows-1251"),
            ("mac_roman", "macintosh"),
            ("utf-8-sig", "UTF-8"),
            ("utf_16", "UTF-16LE"),
            ("iso8859_15", "ISO-8859-15"),
        ] {
            assert_eq!(Encoding::by_name(name).unwrap().name(), expected, "{name}");
        }
    }

    #[cfg(feature = "encodings")]
    #[test]
    fn iso_2022_jp_was_read_as_ascii() {
        let bytes = b"\x1b$B%i!<%a%s?)$Y$?$$!*\x1b(B\n";
        let found = Encoding::recognise(bytes).unwrap();
        assert_eq!(found.name(), "ISO-2022-JP");
        assert_eq!(found.decode_head(bytes), "ラーメン食べたい！\n".as_bytes());
        // Colours of a terminal.
        let log = b"\x1b[31mtea\x1b[0m\n";
        assert_eq!(Encoding::recognise(log), Some(Encoding::Utf8));
    }

    #[cfg(feature = "encodings")]
    #[test]
    fn a_post_in_korean_or_japanese_was_read_as_chinese() {
        for (encoding, text) in [
            (
                encoding_rs::EUC_KR,
                "오늘은 날씨가 너무 더워서 영화를 봤어요.",
            ),
            (encoding_rs::EUC_JP, "ラーメン食べたい！"),
            (encoding_rs::EUC_JP, "今日はとても暑いので、家にいました。"),
            (
                encoding_rs::SHIFT_JIS,
                "今日はとても暑いので、家にいました。",
            ),
            (encoding_rs::KOI8_U, "Сегодня очень жарко"),
            (encoding_rs::WINDOWS_1251, "Сегодня очень жарко"),
        ] {
            let bytes = encoding.encode(text).0;
            let found = Encoding::recognise(&bytes).unwrap();
            assert_eq!(found.name(), encoding.name(), "{text}");
            assert_eq!(found.decode_head(&bytes), text.as_bytes());
        }
    }

    #[cfg(feature = "encodings")]
    #[test]
    fn short_chinese_was_read_as_korean_or_polish() {
        for text in [
            "你好",
            "吃饭了吗",
            "哈哈哈",
            "哈哈哈哈哈哈哈哈哈哈，加班",
            "加班",
            "id,text\n1,今天加班，好累\n",
        ] {
            let bytes = encoding_rs::GB18030.encode(text).0;
            let found = Encoding::recognise(&bytes).unwrap();
            assert_eq!(found.decode_head(&bytes), text.as_bytes(), "{text}");
        }
        for text in ["加班", "你好嗎", "text\n今天要加班\n"] {
            let bytes = encoding_rs::BIG5.encode(text).0;
            let found = Encoding::recognise(&bytes).unwrap();
            assert_eq!(found.decode_head(&bytes), text.as_bytes(), "{text}");
        }
        for text in [
            "Ärger",
            "Größe",
            "café crème",
            "À bientôt",
            "Zażółć gęślą jaźń",
            "Привет, как дела?",
        ] {
            let encoding = match text {
                "Zażółć gęślą jaźń" => encoding_rs::WINDOWS_1250,
                "Привет, как дела?" => encoding_rs::WINDOWS_1251,
                _ => encoding_rs::WINDOWS_1252,
            };
            let found = Encoding::recognise(&encoding.encode(text).0).unwrap();
            assert!(!["GB18030", "Big5"].contains(&found.name()), "{text}");
        }
    }

    #[cfg(feature = "encodings")]
    #[test]
    fn hz_was_read_as_ascii() {
        let bytes = b"id,text\n1,~{=qLlLlFxV;~} and ~~{OBVg~}\n2,~{<SO`\n3,tea~\n!\n";
        let text = "id,text\n1,今天天气只 and ~{OBVg\n2,加相\n3,tea!\n";
        let found = Encoding::recognise(bytes).unwrap();
        assert_eq!(found.name(), "HZ-GB-2312");
        let read = String::from_utf8(found.decode_head(bytes)).unwrap();
        assert_eq!(read, text);
        assert_eq!(Encoding::by_name("hz-gb-2312"), Some(found));
        for text in [
            "(format t \"~{~a~^, ~}\" list) ~{x~}",
            "so cute ~{}~ ~{@_@}~ yeah~~",
            "~{ hello ~}",
            "~{lower~}",
            "a ~} b ~{",
        ] {
            let found = Encoding::recognise(text.as_bytes());
            assert_eq!(found, Some(Encoding::Utf8), "{text}");
        }
    }

    #[test]
    fn utf_7_was_words_without_a_word() {
        for text in [
            "caf+AOk- cr+AOg-me\n",
            "+TspZKVkpbBRfiFl9-\n",
            "id,text\n1,f+APw-r uns, 1 +- 1\n2,sch+APY-n +2D3eAA-\n",
        ] {
            assert!(is_utf_7(text.as_bytes()), "{text}");
        }
        for text in [
            "+1, call +49 30 1234567 or +491701234567",
            "C++ and g+together and me+you-all, Disney+ and +Plus-size",
            "https://example.org/?q=a+b+Cd+eF-g&x=R2+D2-",
            "t.me/+AbCdEf123456aZ09 a+b=c",
            "AA+ rating, LGBTQ+ and +ANY- thing",
            "",
            "+",
        ] {
            assert!(!is_utf_7(text.as_bytes()), "{text}");
        }
    }

    #[cfg(feature = "encodings")]
    #[test]
    fn accents_of_older_computers_were_read_as_signs() {
        let texts = [
            "café crème, naïve façade",
            "El niño está aquí, mañana será otro día",
            "Größe, für schöne Mädchen",
            "São Paulo não é a capital",
            "id,text\n1,\"J'ai été très occupé\"\n",
        ];
        let ibm850: Vec<char> = latin::decode_ibm850(&(0..=255).collect::<Vec<u8>>()).collect();
        for text in texts {
            let position = |letter| ibm850.iter().position(|&other| other == letter).unwrap() as u8;
            let mac = encoding_rs::MACINTOSH.encode(text).0;
            let windows = encoding_rs::WINDOWS_1252.encode(text).0;
            let dos: Vec<u8> = text.chars().map(position).collect();
            for (name, bytes) in [
                ("macintosh", &*mac),
                ("IBM850", &dos),
                ("windows-1252", &*windows),
            ] {
                let found = Encoding::recognise(bytes).unwrap();
                let read = String::from_utf8(found.decode_head(bytes)).unwrap();
                assert_eq!(read, text, "{name} as {}", found.name());
            }
        }
        // Quotation marks are most of what English has beyond ASCII.
        let text = "“Hello,” she said — don’t wait…";
        for encoding in [encoding_rs::MACINTOSH, encoding_rs::WINDOWS_1252] {
            let bytes = encoding.encode(text).0;
            let found = Encoding::recognise(&bytes).unwrap();
            assert_eq!(found.decode_head(&bytes), text.as_bytes());
        }
        // Signs that people put into words, and other alphabets.
        for (encoding, text) in [
            (
                encoding_rs::WINDOWS_1252,
                "I’m — you—me, wait…what, don´t, 25°C, 10£, ACME™",
            ),
            (encoding_rs::WINDOWS_1252, "CAFÉ, nº1, 5µm, ‚so‘ and „so“"),
            (encoding_rs::WINDOWS_1250, "Příliš žluťoučký kůň"),
            (encoding_rs::WINDOWS_1251, "Привет, как дела? iPhone"),
            (encoding_rs::IBM866, "Привет, как дела?"),
            (encoding_rs::WINDOWS_1253, "Καλημέρα σε όλους"),
            (
                encoding_rs::WINDOWS_1254,
                "Bugün çok güzel, değil mi? İstanbul'da yağmur yağıyor",
            ),
        ] {
            let bytes = encoding.encode(text).0;
            let found = Encoding::recognise(&bytes).unwrap();
            assert_eq!(
                found.decode_head(&bytes),
                text.as_bytes(),
                "{text} as {}",
                found.name()
            );
        }
        assert_eq!(Encoding::by_name("cp850"), Some(Encoding::Ibm850));
        // A sign in all of them.
        let bytes = b"Un caf\xB0s, c'est tr\xB0s bien, monsieur";
        let note = Encoding::recognise(bytes).unwrap().note(bytes).unwrap();
        assert!(note.contains("stand inside words; --encoding"), "{note}");
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same_text(text in any::<String>(), size in 1usize..9, big: bool) {
            let (bytes, encoding) = match big {
                true => (utf_16(&text, u16::to_be_bytes), Encoding::Utf16Be),
                false => (utf_16(&text, u16::to_le_bytes), Encoding::Utf16Le),
            };
            let mut decoded = String::new();
            let reader = BufReader::with_capacity(size, io::Cursor::new(bytes));
            encoding.decode(reader).read_to_string(&mut decoded).unwrap();
            prop_assert_eq!(decoded, text);
        }
    }
}
