//! How the page writes names and numbers.

/// The posts in a text area: one for each line that is not blank.
pub fn posts(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(String::from)
        .collect()
}

/// A text in an address, without its escapes. A character that is cut off becomes U+FFFD: such links come from programs that
/// shorten them.
pub fn unescaped(text: &str) -> String {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escape = digit(after.first()).zip(digit(after.get(1)));
        let (byte, length) = match escape {
            Some((high, low)) if *first == b'%' => ((high << 4 | low) as u8, 3),
            _ => (*first, 1),
        };
        bytes.push(byte);
        rest = &rest[length..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A class or attribute name as shown: with a capital first, and an en dash in a range.
pub fn title(name: &str) -> String {
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return name.replace('-', "–");
    }
    let mut letters = name.chars();
    match letters.next() {
        Some(first) => first
            .to_uppercase()
            .chain(letters)
            .collect::<String>()
            .replace('_', " "),
        None => String::new(),
    }
}

/// A probability as shown, in whole percent. It is never rounded to 0% or 100%.
pub fn percent(probability: f32) -> String {
    match probability {
        p if p < 0.01 => "<1%".into(),
        p if p > 0.99 => ">99%".into(),
        p => format!("{:.0}%", p * 100.0),
    }
}

/// An estimated share with its interval as shown, in whole percent; the interval is rounded outwards.
pub fn estimated(share: f64, low: f64, high: f64) -> String {
    // Ends of intervals are multiples of 0.1%.
    let percents = |end: f64| (end * 1_000.0).round() / 10.0;
    let (low, high) = (percents(low).floor(), percents(high).ceil());
    format!("{} ({low:.0}–{high:.0}%)", percent(share as f32))
}

/// A size in bytes as shown.
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.0} kB", count as f64 / 1e3),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}

/// A duration as shown.
pub fn duration(milliseconds: f64) -> String {
    if milliseconds < 1_000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.1} s", milliseconds / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_posts() {
        assert_eq!(posts(" one \r\n\n\ttwo\n  \n"), ["one", "two"]);
        assert!(posts(" \n\n").is_empty());
    }

    #[test]
    fn a_link_that_was_cut_off_within_a_character_had_no_text() {
        for (escaped, text) in [
            ("my%20wife%20%E5%A5%BD", "my wife 好"),
            ("abc%E4%BD", "abc\u{FFFD}"),
            ("abc%E", "abc%E"),
            ("100%%25+%zz", "100%%+%zz"),
            ("", ""),
        ] {
            assert_eq!(unescaped(escaped), text);
        }
    }

    #[test]
    fn names_read_well() {
        assert_eq!(title("female"), "Female");
        assert_eq!(title("IT"), "IT");
        assert_eq!(title("23-27"), "23–27");
        assert_eq!(title("33+"), "33+");
        assert_eq!(title("real_estate"), "Real estate");
        assert_eq!(title("学生"), "学生");
        assert_eq!(title(""), "");
    }

    #[test]
    fn rounding_never_claims_certainty() {
        assert_eq!(
            [0.0, 0.004, 0.01, 0.5, 0.987, 0.9999].map(percent),
            ["<1%", "<1%", "1%", "50%", "99%", ">99%"]
        );
        assert_eq!(estimated(0.284, 0.231, 0.29), "28% (23–29%)");
        assert_eq!(estimated(0.001, 0.0, 0.07), "<1% (0–7%)");
        assert_eq!(
            [12, 8_400, 7_940_000].map(bytes),
            ["12 B", "8 kB", "7.9 MB"]
        );
        assert_eq!([13.6, 4_120.0].map(duration), ["14 ms", "4.1 s"]);
    }
}
