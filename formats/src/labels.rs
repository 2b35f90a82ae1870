//! Labels as this project writes them.

use serde_json::Value;

/// `female` or `male` from the codes that files use; null for any other.
pub(crate) fn gender(code: &str) -> Value {
    match code.trim().to_lowercase().as_str() {
        "f" | "female" | "女" | "女性" => "female".into(),
        "m" | "male" | "男" | "男性" => "male".into(),
        _ => Value::Null,
    }
}

/// A year of birth from the begin of a date; null where there is none, such as in a sign of the zodiac.
pub(crate) fn birth_year(date: &str) -> Value {
    let year = date
        .trim()
        .get(..4)
        .and_then(|year| year.parse::<u16>().ok());
    match year {
        Some(year @ 1900..=2100) => year.into(),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_become_labels() {
        assert_eq!(gender(" F "), "female");
        assert_eq!(gender("男"), "male");
        assert_eq!(gender("0"), Value::Null);
        assert_eq!(birth_year("1990-01-01"), 1990);
        for date in ["0001-01-01", "双鱼座", "19", ""] {
            assert_eq!(birth_year(date), Value::Null, "{date}");
        }
    }
}
