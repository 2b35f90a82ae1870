//! The input of m3inference: profiles of Twitter users.

use std::io;

use crate::json::{PLACES, each_record, text};
use crate::labels::gender;
use crate::{About, Candidate, Files, Format, Post, Writers, accepted, html};

/// JSON lines with a profile each.
pub(crate) struct M3Inference;

const ABOUT: About = About {
    name: "m3inference",
    input: "input of m3inference: JSON lines with id, name, screen_name and description",
    reads: "`description`, the only text of a profile; one writer per line",
    labels: &["gender", "age"],
    leaves_out: "names and pictures",
};

impl Format for M3Inference {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        if !file.may_be(&["json", "jsonl", "ndjson"]) {
            return false;
        }
        file.has_record(PLACES[0], |profile| {
            let mut names = ["name", "screen_name", "description"].iter();
            names.all(|name| profile[*name].is_string())
        })
    }

    fn read(&self, files: &mut dyn Files, writers: &mut Writers<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            let place = files.place(&name);
            each_record(
                files,
                &name,
                PLACES[0],
                writers,
                &mut |writers, _, profile| {
                    let writer = text(&profile["id"]);
                    if writer.is_empty() {
                        return writers.bad_record(&format!("{place}: a profile without id"));
                    }
                    writers.label(&writer, "gender", gender(&text(&profile["gender"])));
                    writers.label(&writer, "age", profile["age"].clone());
                    writers.add(Post {
                        writer: &writer,
                        id: Some("description"),
                        text: html::entities(&text(&profile["description"])).into_owned(),
                        ..Post::default()
                    })
                },
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read;
    use serde_json::json;

    #[test]
    fn the_description_is_the_text() {
        let lines = r#"{"id": "7", "name": "A", "screen_name": "a", "description": "Baker &amp; runner", "lang": "en", "img_path": "x"}
            {"id": 8, "name": "B", "screen_name": "b", "description": "", "lang": "en", "gender": "F", "age": "19-29"}"#;
        let (received, counts) = read(&M3Inference, &[("data.jsonl", lines.as_bytes())]);
        let expected = json!([
            {"id": "7", "posts": ["Baker & runner"]},
            {"id": "8", "gender": "female", "age": "19-29", "posts": []},
        ]);
        assert_eq!(received.json(), expected);
        assert_eq!(counts.without_text, 1);
    }
}
