//! Corpora of authors as JSON lines, as they are on Hugging Face.

use std::io;

use crate::json::{each_record_of, text};
use crate::labels::gender;
use crate::{About, Candidate, Files, Format, Post, Writers, time};

/// JSON lines with `text` and an author's id each.
pub(crate) struct HuggingFace;

/// The names of the author's id, the most exact first.
const WRITERS: [&str; 4] = ["author_id", "user_id", "account_id", "author"];
const LABELS: [&str; 8] = [
    "age",
    "age_group",
    "gender",
    "job",
    "occupation",
    "profession",
    "industry",
    "education",
];
const ABOUT: About = About {
    name: "hugging-face",
    input: "JSON lines or an array of records with text and author_id, user_id, account_id or author",
    reads: "`text`, grouped by author",
    labels: &LABELS,
    leaves_out: "all other fields",
};

impl Format for HuggingFace {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        if !file.may_be(&["json", "jsonl", "ndjson"]) {
            return false;
        }
        let record = file.first_record(&["", "*"]);
        record["text"].is_string() && WRITERS.iter().any(|key| !text(&record[*key]).is_empty())
    }

    fn read(&self, files: &mut dyn Files, writers: &mut Writers<'_>) -> io::Result<()> {
        each_record_of(
            self,
            files,
            &["", "*"],
            writers,
            &mut |writers, record, place| {
                let ids = WRITERS.iter().map(|key| text(&record[*key]));
                let Some(writer) = ids.into_iter().find(|id| !id.is_empty()) else {
                    writers
                        .bad_record(&format!("{place}: a record without {}", WRITERS.join(", ")));
                    return Ok(());
                };
                for label in LABELS {
                    let value = &record[label];
                    // Corpora have codes of their own besides the usual ones.
                    let value = match gender(&text(value)) {
                        known if label == "gender" && !known.is_null() => known,
                        _ => value.clone(),
                    };
                    writers.label(&writer, label, value);
                }
                let times = ["created_at", "date", "timestamp"];
                writers.add(Post {
                    writer: &writer,
                    id: Some(&text(&record["id"])),
                    time: times.iter().find_map(|name| time::of(&record[*name])),
                    text: text(&record["text"]),
                    is_repost: false,
                })
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read;
    use serde_json::json;

    #[test]
    fn records_are_grouped_by_author_and_may_hold_nan() {
        let lines = r#"{"id": "x1", "text": "eins", "author_id": 7, "age": 22, "gender": "male", "age_imitation": NaN}
            {"id": "x2", "text": "zwei", "author_id": 8, "age": NaN, "gender": "female"}
            {"id": "x3", "text": "drei", "author_id": 7, "age": 22, "gender": "male"}"#;
        let (received, _) = read(&HuggingFace, &[("data.jsonl", lines.as_bytes())]);
        let expected = json!([
            {"id": "7", "age": 22, "gender": "male", "posts": ["eins", "drei"]},
            {"id": "8", "gender": "female", "posts": ["zwei"]},
        ]);
        assert_eq!(received.json(), expected);
    }
}
