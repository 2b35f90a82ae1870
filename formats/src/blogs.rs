//! Labels, dates and marks in the text, which both shapes of the Blog Authorship Corpus (Schler et al. 2006) share.

use encoding_rs::WINDOWS_1252;
use serde_json::{Map, Value};

use crate::time;

/// The mark of an unknown industry.
const UNKNOWN_INDUSTRY: &str = "indUnk";
/// The corpus's mark for a link, and our mask of one.
const LINK: (&str, &str) = ("urlLink", "<url>");

/// The labels of a user: `gender`, `age` and, where it is known, `industry`.
pub(super) fn labels(
    gender: &str,
    age: &str,
    industry: &str,
) -> Result<Map<String, Value>, String> {
    let gender = gender.trim().to_ascii_lowercase();
    if !matches!(gender.as_str(), "female" | "male") {
        return Err(format!("gender is {gender:?}, not female or male"));
    }
    let Ok(years) = age.trim().parse::<u8>() else {
        return Err(format!("age is {age:?}, not a whole number of years"));
    };
    let mut labels = Map::new();
    labels.insert("gender".to_owned(), gender.into());
    labels.insert("age".to_owned(), years.into());
    let industry: String = industry
        .chars()
        .filter(|letter| !letter.is_control())
        .collect();
    let industry = industry.trim();
    if !industry.is_empty() && industry != UNKNOWN_INDUSTRY {
        labels.insert("industry".to_owned(), industry.into());
    }
    Ok(labels)
}

/// Milliseconds since 1970 of `14,May,2004`. Some bloggers' dates are in other languages, or missing.
pub(super) fn date(text: &str) -> Option<i64> {
    let mut parts = text.trim().split(',');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    time::day(year.parse().ok()?, time::month(month)?, day.parse().ok()?)
}

/// A post as its reader saw it: HTML entities decoded, links masked, a run of white space as one space, and without control
/// characters.
pub(super) fn plain(text: &str) -> String {
    let text = html_escape::decode_html_entities(text).replace(LINK.0, LINK.1);
    let is_visible = |letter: &char| letter.is_whitespace() || !letter.is_control();
    let text: String = text.chars().map(as_in_html).filter(is_visible).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// HTML reads U+0080 to U+009F, which are control characters, as bytes of Windows-1252: `&#146;` is an apostrophe.
fn as_in_html(letter: char) -> char {
    match letter {
        '\u{80}'..='\u{9f}' => {
            let byte = [letter as u8];
            let (decoded, _) = WINDOWS_1252.decode_without_bom_handling(&byte);
            decoded.chars().next().unwrap_or(letter)
        }
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_other_languages_are_unknown() {
        assert_eq!(date("14,May,2004"), time::day(2004, 5, 14));
        assert_eq!(date(" 02,February,2004\n"), time::day(2004, 2, 2));
        for unknown in ["", ",,", "2,août,2004", "2,May"] {
            assert_eq!(date(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn marks_entities_and_control_characters_are_gone() {
        assert_eq!(
            plain("\r\n\t  don&#146;t&nbsp;&nbsp;go\0\u{7f} R&B &amp; caf&eacute;\u{a0}urlLink \n"),
            "don’t go R&B & café <url>"
        );
        assert_eq!(plain("&amp;nbsp;"), "&nbsp;");
    }

    #[test]
    fn labels_outside_the_schema_are_refused() {
        let known = labels("Male", " 24", "Internet").unwrap();
        assert_eq!(
            Value::from(known),
            serde_json::json!({"gender": "male", "age": 24, "industry": "Internet"})
        );
        assert!(
            !labels("female", "33", "indUnk")
                .unwrap()
                .contains_key("industry")
        );
        let controls = labels("male", "24", " \u{1b}[2JLaw\u{7}").unwrap();
        assert_eq!(controls["industry"], "[2JLaw");
        assert!(labels("", "24", "Law").unwrap_err().contains("gender"));
        assert!(labels("male", "2x", "Law").unwrap_err().contains("age"));
    }
}
