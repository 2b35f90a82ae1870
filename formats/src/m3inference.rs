//! The input of m3inference: profiles of Twitter users.

use std::io;

use model_core::corpus::Columns;
use serde_json::Value;

use crate::json::{PLACES, each_record, keys, text};
use crate::labels::gender;
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, html};

/// JSON lines with a profile each.
pub(crate) struct M3Inference;

const ABOUT: About = About {
    name: "m3inference",
    input: "input of m3inference: JSON lines with id, name, screen_name and description",
    reads: "`description`, the only text of a profile; one user per line",
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
        // Corpora of posts may keep the profiles of their users.
        file.has_record(PLACES[0], is_profile) && !file.has_record(PLACES[0], has_posts)
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            let place = files.place(&name);
            each_record(
                files,
                &name,
                PLACES[0],
                grouping,
                &mut |grouping, _, profile| {
                    let user = text(&profile["id"]);
                    if user.is_empty() {
                        return grouping.bad_record(&format!("{place}: a profile without id"));
                    }
                    grouping.label(&user, "gender", gender(&text(&profile["gender"])));
                    grouping.label(&user, "age", profile["age"].clone());
                    grouping.add(Post {
                        user: &user,
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

fn is_profile(record: &Value) -> bool {
    let mut names = ["name", "screen_name", "description"].iter();
    names.all(|name| record[*name].is_string())
}

/// Whether a record has a known name of a text or of a list of posts.
fn has_posts(record: &Value) -> bool {
    Columns::default().places(&keys(record)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_unknown, read};
    use serde_json::json;

    #[test]
    fn posts_beside_a_profile_were_lost() {
        let profile = json!({"id": 1, "name": "A", "screen_name": "a", "description": "Baker", "gender": "f"});
        for (name, value) in [
            ("posts", json!(["tea"])),
            ("text", json!("tea")),
            ("full_text", json!("tea")),
        ] {
            let mut record = profile.clone();
            record[name] = value;
            assert_unknown("a.jsonl", &record.to_string());
            assert_unknown("a.jsonl", &format!("{profile}\n{record}\n"));
        }
    }

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
