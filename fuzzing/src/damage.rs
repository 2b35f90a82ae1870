//! Damage to valid files.

use rand::Rng;
use rand::rngs::StdRng;

/// Input that parsers stumble over: signs with a meaning, and characters of several bytes or of none.
const TOKENS: [&[u8]; 40] = [
    b"\"",
    b"\"\"",
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"{\"",
    b"[{",
    b"\":",
    b",",
    b";",
    b"\t",
    b"|",
    b":",
    b"/",
    b"=",
    b".",
    b"-",
    b" ",
    b"\n",
    b"\r",
    b"\r\n",
    b"\0",
    b"<",
    b"<!--",
    b"</",
    b">",
    b"&#",
    b"&amp;",
    b"\\u",
    b"\\ud83d",
    b"\xff",
    b"\xe9\x80",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xc3\xa9",
    b"\xe5\xad\x97",
    b"\xf0\x9f\x98\x80",
];

/// Values of other types and sizes.
const VALUES: [&[u8]; 20] = [
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"\"\"",
    b"\"x\"",
    b"[[1]]",
    b"{\"a\":1}",
    b"0",
    b"-1",
    b"1.5",
    b"1e999",
    b"NaN",
    b"4294967296",
    b"9223372036854775807",
    b"18446744073709551615",
    b"-9223372036854775808",
    b"99999999999999999999",
    b"1e15",
    b"",
];

/// Numbers in binary files.
const NUMBERS: [u64; 8] = [
    0,
    1,
    0x7f,
    0x80,
    0x7fff_ffff,
    0xffff_ffff,
    i64::MAX as u64,
    u64::MAX,
];

/// The length up to which a file grows by repetition.
const LONGEST: usize = 1 << 20;
/// Each such case takes as long as a thousand others.
const LONG_CASES: usize = 500;

/// A number below `most`, or 0.
pub(crate) fn below(random: &mut StdRng, most: usize) -> usize {
    match most {
        0 => 0,
        _ => random.random_range(0..most),
    }
}

fn choose<'a, T>(random: &mut StdRng, items: &'a [T]) -> &'a T {
    &items[random.random_range(0..items.len())]
}

/// Damages a file in one to four places.
pub fn damage(random: &mut StdRng, bytes: &mut Vec<u8>) {
    for _ in 0..=below(random, 4) {
        damage_once(random, bytes);
    }
    if below(random, LONG_CASES) == 0 {
        repeat(random, bytes, LONGEST);
    }
}

fn damage_once(random: &mut StdRng, bytes: &mut Vec<u8>) {
    let at = below(random, bytes.len() + 1);
    let end = at + below(random, (bytes.len() - at).min(24) + 1);
    let changed = bytes.get_mut(at);
    match below(random, 12) {
        0 => bytes.truncate(at),
        1 => drop(changed.map(|byte| *byte ^= 1 << random.random_range(0..8))),
        2 => drop(changed.map(|byte| *byte = random.random())),
        3 | 4 => drop(bytes.splice(at..at, choose(random, &TOKENS).iter().copied())),
        5 => drop(bytes.drain(at..end)),
        6 => {
            let length = bytes.len() + 500;
            repeat(random, bytes, length);
        }
        // A part of the file in another place of it.
        7 => {
            let part = bytes[at..end].to_vec();
            let to = below(random, bytes.len() + 1);
            bytes.splice(to..to, part);
        }
        8 | 9 => value(random, bytes, at),
        10 => {
            let number = choose(random, &NUMBERS).to_le_bytes();
            let length = *choose(random, &[1, 2, 4, 8]);
            let end = bytes.len().min(at + length);
            bytes.splice(at..end, number.into_iter().take(length));
        }
        _ => {
            let random_bytes: Vec<u8> = (0..end - at).map(|_| random.random()).collect();
            bytes.splice(at..end, random_bytes);
        }
    }
}

/// Repeats a token or a part of the file until it is about `longest` bytes long.
fn repeat(random: &mut StdRng, bytes: &mut Vec<u8>, longest: usize) {
    let at = below(random, bytes.len() + 1);
    let end = at + below(random, (bytes.len() - at).min(24) + 1);
    let part = match below(random, 2) {
        0 if at < end => bytes[at..end].to_vec(),
        _ => choose(random, &TOKENS).to_vec(),
    };
    let times = 1 + longest.saturating_sub(bytes.len()) / part.len();
    bytes.splice(at..at, part.repeat(times));
}

/// Replaces the value, cell or number that begins after `at`.
fn value(random: &mut StdRng, bytes: &mut Vec<u8>, at: usize) {
    let is_border = |byte: &u8| b":=,;[\t \n>".contains(byte);
    let Some(before) = bytes[at..].iter().position(is_border) else {
        return;
    };
    let start = at + before + 1;
    let blanks = bytes[start..].iter().take_while(|byte| **byte == b' ');
    let start = start + blanks.count();
    let is_end = |byte: &u8| b",;}]\t\n<".contains(byte);
    let end = bytes[start..].iter().position(is_end);
    let end = end.map_or(bytes.len(), |end| start + end);
    bytes.splice(start..end, choose(random, &VALUES).iter().copied());
}
