//! Reading one JSON value as other programs write it.

use serde_json::{Map, Number, Value};

use super::MAX_RECORD_VALUES;

/// Floats of this size may be whole numbers with other digits than those in the text.
const EXACT_BELOW: f64 = 9_223_372_036_854_775_808.0;

/// The object in a text, see [`parse_json`].
pub(super) fn parse_object(json: &str) -> Result<Map<String, Value>, String> {
    match parse_json(json)? {
        Value::Object(fields) => Ok(fields),
        other => Err(format!(
            "a record must be a JSON object, this is {}",
            kind(&other)
        )),
    }
}

/// The value in a text. What JSON does not permit, and some programs write, costs at most the value within it: `NaN` is null,
/// and a number that 64 bits do not hold exactly is a string of the same digits.
///
/// # Errors
/// One line that says what is wrong, if it has more than [`MAX_RECORD_VALUES`] values or is not JSON in another way.
pub fn parse_json(json: &str) -> Result<Value, String> {
    if has_more_values(json, MAX_RECORD_VALUES) {
        return Err(format!("more than {MAX_RECORD_VALUES} values"));
    }
    let value = match serde_json::from_str(json) {
        Ok(value) if !is_rounded(&value) => value,
        // The library's own line is always the record's first.
        _ => serde_json::from_str(&repaired(json)).map_err(|error| {
            let message = format!("bad JSON: {error}");
            match message.split_once(" at line ") {
                Some((what, _)) => format!("{what} at column {}", error.column()),
                None => message,
            }
        })?,
    };
    Ok(match json.contains("{\"$") {
        true => without_types(value),
        false => value,
    })
}

/// A value without the objects in which MongoDB names the type of a value, as in `{"$oid": "65a1"}`.
fn without_types(value: Value) -> Value {
    const TYPES: [&str; 6] = [
        "$oid",
        "$date",
        "$numberInt",
        "$numberLong",
        "$numberDouble",
        "$numberDecimal",
    ];
    match value {
        Value::Array(items) => items.into_iter().map(without_types).collect(),
        Value::Object(mut fields) => {
            let name = fields.keys().next().filter(|_| fields.len() == 1).cloned();
            match name.filter(|name| TYPES.contains(&name.as_str())) {
                Some(name) => fields.remove(&name).map_or(Value::Null, without_types),
                None => {
                    let fields = fields.into_iter();
                    let fields = fields.map(|(name, value)| (name, without_types(value)));
                    Value::Object(fields.collect())
                }
            }
        }
        other => other,
    }
}

/// The kind of a value, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Whether a JSON text has more than `most` values: one, one after each comma and the first inside each bracket.
fn has_more_values(json: &str, most: usize) -> bool {
    // A value takes at least a byte, and nearly all records are too short.
    if json.len() <= most {
        return false;
    }
    let (mut values, mut in_string, mut is_escaped) = (1, false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b',' | b'[' | b'{' if !in_string => values += 1,
            _ => {}
        }
    }
    values > most
}

/// Whether a number in the value may have other digits than its text.
fn is_rounded(value: &Value) -> bool {
    match value {
        Value::Number(number) => is_inexact(number),
        Value::Array(items) => items.iter().any(is_rounded),
        Value::Object(fields) => fields.values().any(is_rounded),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

fn is_inexact(number: &Number) -> bool {
    number.is_f64()
        && number
            .as_f64()
            .is_none_or(|float| float.abs() >= EXACT_BELOW)
}

/// A text in strict JSON:
///
/// * `NaN` and `Infinity`, as Python writes them, are null.
/// * Numbers that are not exact in 64 bits, and those with leading zeros, are strings of their digits.
/// * Half an emoji, a surrogate without its pair, is U+FFFD.
/// * Control characters in strings are escaped, and so is `\x07`, as Telegram writes it. The backslash of any other unknown
///   escape stands for itself.
fn repaired(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 16);
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        let is_word = |letter: char| letter.is_ascii_alphanumeric() || "+-._".contains(letter);
        if first == '"' {
            rest = repair_string(rest, &mut out);
        } else if is_word(first) {
            let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            repair_word(word, &mut out);
            rest = after;
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

/// A number, `true`, or what stands in its place.
fn repair_word(word: &str, out: &mut String) {
    let size = word.trim_start_matches(['+', '-']).to_ascii_lowercase();
    let is_number = size.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && word
            .chars()
            .all(|letter| letter.is_ascii_digit() || "+-.eE".contains(letter));
    match size.as_str() {
        "nan" | "inf" | "infinity" | "undefined" => out.push_str("null"),
        _ if is_number
            && serde_json::from_str::<Number>(word).map_or(true, |it| is_inexact(&it)) =>
        {
            out.push('"');
            out.push_str(word);
            out.push('"');
        }
        _ => out.push_str(word),
    }
}

/// Repairs the string at the start of `rest` and returns what follows it.
fn repair_string<'a>(rest: &'a str, out: &mut String) -> &'a str {
    out.push('"');
    let mut rest = &rest[1..];
    while let Some(letter) = rest.chars().next() {
        match letter {
            '"' => {
                out.push('"');
                return &rest[1..];
            }
            '\\' => {
                rest = repair_escape(&rest[1..], out);
                continue;
            }
            '\0'..'\x20' => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            _ => out.push(letter),
        }
        rest = &rest[letter.len_utf8()..];
    }
    rest
}

/// Repairs the escape whose backslash stands before `rest` and returns what follows it.
fn repair_escape<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let hexadecimal = |from: usize, digits: usize| {
        let digits = rest.get(from..from + digits)?;
        let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16)
            .ok()
            .filter(|_| is_hexadecimal)
    };
    let (escape, length) = match rest.as_bytes().first() {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
            (format!("\\{}", &rest[..1]), 1)
        }
        Some(b'x') if let Some(code) = hexadecimal(1, 2) => (format!("\\u{code:04x}"), 3),
        Some(b'u') if let Some(code) = hexadecimal(1, 4) => match code {
            0xD800..0xDC00
                if rest[5..].starts_with("\\u")
                    && hexadecimal(7, 4).is_some_and(|low| (0xDC00..0xE000).contains(&low)) =>
            {
                (format!("\\{}", &rest[..11]), 11)
            }
            0xD800..0xE000 => ("\\ufffd".to_owned(), 5),
            _ => (format!("\\u{code:04x}"), 5),
        },
        _ => ("\\\\".to_owned(), 0),
    };
    out.push_str(&escape);
    &rest[length..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_json_does_not_permit_cost_the_user() {
        for (text, expected) in [
            (
                r#"{"a": NaN, "b": [-Infinity, nan], "c": "NaN"}"#,
                json!({"a": null, "b": [null, null], "c": "NaN"}),
            ),
            (
                r#"{"a": "half \ud83d", "b": "\ude02!", "c": "\ud83d\ude02"}"#,
                json!({"a": "half \u{FFFD}", "b": "\u{FFFD}!", "c": "😂"}),
            ),
            (r#"{"a": "\ud83d\ud83d\ude02"}"#, json!({"a": "\u{FFFD}😂"})),
            (
                "{\"a\": \"tab\tbell\x07line\nend\"}",
                json!({"a": "tab\tbell\x07line\nend"}),
            ),
            (
                r#"{"a": "\x07 \q \u12 C:\dir"}"#,
                json!({"a": "\x07 \\q \\u12 C:\\dir"}),
            ),
            (
                r#"{"a": 18446744073709551615, "b": 18446744073709551616}"#,
                json!({"a": u64::MAX, "b": "18446744073709551616"}),
            ),
            (
                r#"{"a": [1234567890123456789012345, -9223372036854775809]}"#,
                json!({"a": ["1234567890123456789012345", "-9223372036854775809"]}),
            ),
            (
                r#"{"a": 1e400, "b": 007, "c": 1.5, "d": -3e2}"#,
                json!({"a": "1e400", "b": "007", "c": 1.5, "d": -300.0}),
            ),
        ] {
            assert_eq!(parse_object(text).map(Value::from), Ok(expected), "{text}");
        }
    }

    #[test]
    fn ids_that_mongodb_wrote_were_not_seen() {
        let json = r#"{"_id": {"$oid": "65a1"}, "user_id": {"$numberLong": "7"}, "at": [{"$date": {"$numberLong": "5"}}],
            "money": {"$": 1}, "both": {"$oid": "a", "b": {"$numberInt": "2"}}}"#;
        let json = json.replace(": {", ":{");
        let expected = json!({"_id": "65a1", "user_id": "7", "at": ["5"], "money": {"$": 1}, "both": {"$oid": "a", "b": "2"}});
        assert_eq!(parse_object(&json).map(Value::from), Ok(expected));
    }

    #[test]
    fn what_is_no_object_says_what_it_is() {
        for (text, what) in [
            ("{", "bad JSON: EOF while parsing an object at column 1"),
            ("nonsense", "bad JSON: expected ident at column 2"),
            ("3", "a record must be a JSON object, this is a number"),
            ("\"a\"", "a record must be a JSON object, this is a string"),
            (
                r#"{"a": "b" "c": NaN}"#,
                "bad JSON: expected `,` or `}` at column 11",
            ),
        ] {
            assert_eq!(parse_object(text), Err(what.to_owned()), "{text}");
        }
        let deep = format!("{{\"a\": {}", "[".repeat(1 << 20));
        assert!(parse_object(&deep).is_err());
    }

    proptest! {
        #[test]
        fn strict_json_needs_no_repair(text in "([\\[\\]{},: ]|\"[a\\\\\"é]{0,3}\"|-?[0-9]{1,3}(\\.[0-9])?|true|null){0,12}") {
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                prop_assert_eq!(serde_json::from_str::<Value>(&repaired(&text)).unwrap(), value);
            }
        }

        #[test]
        fn any_text_in_quotes_is_a_string(text in "[^\"]*") {
            let json = format!("{{\"a\": \"{}\"}}", text.trim_end_matches('\\'));
            prop_assert!(parse_object(&json).is_ok(), "{}", json);
        }
    }
}
