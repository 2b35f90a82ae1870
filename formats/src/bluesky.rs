//! Posts of a Bluesky account.

use std::io;

use ciborium::Value as Cbor;

use crate::car::{Blocks, field};
use crate::json::each_record;
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, time};

/// The repository `repo.car` that the app exports, or the answer of `com.atproto.repo.listRecords`.
pub(crate) struct Bluesky;

const POST: &str = "app.bsky.feed.post";
const REPOST: &str = "app.bsky.feed.repost";
const PATHS: [&str; 2] = ["records/*", "*/records/*"];
const ABOUT: About = About {
    name: "bluesky",
    input: "a Bluesky repository (repo.car), or the answer of com.atproto.repo.listRecords as JSON",
    reads: "posts; one user per repository",
    labels: &[],
    leaves_out: "reposts; likes and other records",
};

impl Format for Bluesky {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        if !file.may_be(&["car", "json", "jsonl"]) {
            return false;
        }
        let head = file.head();
        let is_json = head.trim_start().starts_with(['{', '[']);
        match is_json {
            true => file.has_record(&PATHS, |record| {
                let kind = record["value"]["$type"].as_str();
                kind.is_some_and(|kind| kind.starts_with("app.bsky."))
            }),
            false => is_car(head),
        }
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            if is_car(Candidate::new(files, &name).head()) {
                read_repository(files, &name, grouping)?;
                continue;
            }
            let place = files.place(&name);
            each_record(
                files,
                &name,
                &PATHS,
                grouping,
                &mut |grouping, _, record| {
                    let value = &record["value"];
                    if !value["$type"].is_string() {
                        return grouping.bad_record(&format!("{place}: a record without $type"));
                    }
                    let uri = record["uri"].as_str().unwrap_or_default();
                    let owner = uri
                        .strip_prefix("at://")
                        .and_then(|uri| uri.split('/').next());
                    let text = |key: &str| value[key].as_str().unwrap_or_default();
                    add(
                        grouping,
                        owner.unwrap_or(&place),
                        Some(uri),
                        text("$type"),
                        text("text"),
                        text("createdAt"),
                    )
                },
            )?;
        }
        Ok(())
    }
}

/// The header of a CAR file in CBOR holds these keys, behind the bytes of their lengths.
fn is_car(head: &str) -> bool {
    let start: String = head.chars().take(100).collect();
    start.contains("eroots") && start.contains("gversion")
}

fn read_repository(
    files: &mut dyn Files,
    name: &str,
    grouping: &mut Grouping<'_>,
) -> io::Result<()> {
    let user = files.place(name);
    let mut blocks = match files.open(name).and_then(Blocks::new) {
        Ok(blocks) => blocks,
        Err(error) => {
            return grouping.bad_record(&format!("{user}: {error}"));
        }
    };
    loop {
        match blocks.next() {
            Ok(None) => return Ok(()),
            Ok(Some(block)) => {
                let text = |key: &str| {
                    field(&block, key)
                        .and_then(Cbor::as_text)
                        .unwrap_or_default()
                };
                if !text("$type").is_empty() {
                    add(
                        grouping,
                        &user,
                        None,
                        text("$type"),
                        text("text"),
                        text("createdAt"),
                    )?;
                }
            }
            Err(error) => {
                return grouping.bad_record(&format!("{user}: {error}"));
            }
        }
    }
}

fn add(
    grouping: &mut Grouping<'_>,
    user: &str,
    id: Option<&str>,
    kind: &str,
    text: &str,
    created: &str,
) -> io::Result<()> {
    if kind != POST && kind != REPOST {
        return Ok(());
    }
    grouping.add(Post {
        user,
        id,
        time: time::time(created),
        text: text.to_owned(),
        is_repost: kind == REPOST,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read;
    use serde_json::{Value, json};

    fn records() -> [Value; 3] {
        [
            json!({"$type": POST, "text": "second", "createdAt": "2024-03-02T10:00:00.000Z"}),
            json!({"$type": POST, "text": "first & only", "createdAt": "2024-03-01T10:00:00.000Z"}),
            json!({"$type": REPOST, "subject": {"uri": "at://x"}, "createdAt": "2024-03-03T10:00:00.000Z"}),
        ]
    }

    #[test]
    fn records_as_json_are_grouped_by_their_repository() {
        let record = |(index, value)| json!({"uri": format!("at://did:plc:me/{POST}/{index}"), "value": value});
        let records: Value = records().into_iter().enumerate().map(record).collect();
        let page = json!({"records": records, "cursor": "x"}).to_string();
        // The second page overlaps with the first.
        for pages in [page.repeat(2), format!("[{page}, {page}]")] {
            let (received, counts) = read(&Bluesky, &[("records.json", pages.as_bytes())]);
            assert_eq!(
                received.json(),
                json!([{"id": "did:plc:me", "posts": ["first & only", "second"]}])
            );
            assert_eq!((counts.reposts, counts.duplicates), (2, 2));
        }
    }

    #[test]
    fn a_repository_is_read_out_of_its_blocks() {
        let cbor = |value: &Value| {
            let mut bytes = Vec::new();
            ciborium::into_writer(value, &mut bytes).unwrap();
            bytes
        };
        let mut car = Vec::new();
        let mut push = |identifier: &[u8], content: Vec<u8>| {
            let length = identifier.len() + content.len();
            car.extend([(length & 0x7f) as u8 | 0x80, (length >> 7) as u8]);
            car.extend(identifier);
            car.extend(content);
        };
        push(&[], cbor(&json!({"roots": [], "version": 1})));
        let identifier = [&[1, 0x71, 0x12, 32][..], &[7; 32]].concat();
        for record in records() {
            push(&identifier, cbor(&record));
        }
        push(&identifier, cbor(&json!({"did": "did:plc:me", "rev": "x"})));
        let (received, counts) = read(&Bluesky, &[("repo.car", &car[..])]);
        assert_eq!(
            received.json(),
            json!([{"id": "repo.car", "posts": ["first & only", "second"]}])
        );
        assert_eq!(counts.reposts, 1);
        let (received, _) = read(&Bluesky, &[("repo.car", &car[..car.len() - 5])]);
        assert_eq!(
            received.bad_records,
            ["repo.car: the file ends within a block; is it cut off?"]
        );
    }
}
