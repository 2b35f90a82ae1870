//! The comments of an account that Google Takeout exports from YouTube.

use std::io;

use serde_json::Value;

use crate::table::{Row, each_row};
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, labels, time};

/// `comments.csv` and `live chats.csv` in a folder or zip archive.
pub(crate) struct YouTube;

/// The columns of the channel, the text, its id and its time, in comments and in live chats.
const COLUMNS: [[&str; 4]; 2] = [
    [
        "Channel ID",
        "Comment Text",
        "Comment ID",
        "Comment Create Timestamp",
    ],
    [
        "Channel ID",
        "Live Chat Text",
        "Live Chat ID",
        "Live Chat Create Timestamp",
    ],
];
const ABOUT: About = About {
    name: "youtube",
    input: "comments.csv or live chats.csv of YouTube in a Google Takeout: its zip file, its folder, or such a file",
    reads: "comments, grouped by `Channel ID`",
    labels: &[],
    leaves_out: "",
};

impl Format for YouTube {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        file.may_be(&["csv"]) && COLUMNS.iter().any(|columns| file.has_columns(columns))
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            each_row(files, &name, grouping, &mut add)?;
        }
        Ok(())
    }
}

fn add(grouping: &mut Grouping<'_>, row: &Row) -> io::Result<()> {
    let [channel, words, id, time] = match row.has(COLUMNS[0][1]) {
        true => COLUMNS[0],
        false => COLUMNS[1],
    };
    labels::keep_cells(grouping, row.cell(channel), row);
    grouping.add(Post {
        user: row.cell(channel),
        id: Some(row.cell(id)),
        time: time::time(row.cell(time)),
        text: own_words(row.cell(words)),
        is_repost: false,
    })
}

/// The words of a cell, which are the parts of a comment as JSON: `{"text":"see "},{"text":"@ann","mention":{…}}`, until 2024
/// as `{"takeoutSegments":[{"text":"see "}]}`. A cell of another form is kept as it is.
fn own_words(cell: &str) -> String {
    let parts: Vec<Value> = serde_json::from_str(&format!("[{cell}]")).unwrap_or_default();
    let parts = match &parts[..] {
        [part] => part["takeoutSegments"].as_array().unwrap_or(&parts),
        _ => &parts,
    };
    let words: Vec<&str> = (parts.iter().filter_map(|part| part["text"].as_str())).collect();
    match words.is_empty() {
        true => cell.to_owned(),
        false => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read;
    use serde_json::json;

    #[test]
    fn comments_in_segments_were_lost() {
        for (cell, words) in [
            (
                r#"{"takeoutSegments":[{"text":"coalowl "},{"text":"the legend"}]}"#,
                "coalowl the legend",
            ),
            (r#"{"runs":["tea"]}"#, r#"{"runs":["tea"]}"#),
            (r#"{"text":null}"#, r#"{"text":null}"#),
            ("2, 3", "2, 3"),
            ("", ""),
        ] {
            assert_eq!(own_words(cell), words);
        }
    }

    #[test]
    fn rows_with_more_cells_than_columns_were_cut() {
        let comments = "Channel ID,Comment Text,Comment ID,Comment Create Timestamp\n\
            UC1,tea, please,a,2024-05-02T10:00:00+00:00\nUC1,tea,b,2024-05-02T10:00:00+00:00,,\n";
        let (received, _) = read(&YouTube, &[("comments.csv", comments.as_bytes())]);
        assert_eq!(received.json(), json!([{"id": "UC1", "posts": ["tea"]}]));
        let what = "comments.csv:2: 5 cells where the header has 4; put texts that contain the separator in quotes";
        assert_eq!(received.bad_records, [what]);
    }

    #[test]
    fn comments_were_read_as_json_or_not_at_all() {
        let comments = "Comment ID,Channel ID,Comment Create Timestamp,Price,Video ID,Comment Text\n\
            b,UC1,2024-05-02T10:00:00.5+00:00,0,v,\"{\"\"text\"\":\"\"see \"\"},{\"\"text\"\":\"\"@ann\"\",\"\"mention\"\":{}}\"\n\
            a,UC1,2024-05-01T10:00:00+00:00,0,v,\"{\"\"text\"\":\"\"tea\"\"}\"\n\
            c,UC1,2024-05-03T10:00:00+00:00,0,v,plain {words}\n";
        let chats = "Live Chat ID,Channel ID,Live Chat Create Timestamp,Price,Video ID,Live Chat Text\n\
            d,UC1,2024-05-04T10:00:00+00:00,0,v,\"{\"\"text\"\":\"\"hi\"\"}\"\n";
        let files = [
            ("comments/comments.csv", comments.as_bytes()),
            ("live chats/live chats.csv", chats.as_bytes()),
        ];
        let (received, _) = read(&YouTube, &files);
        let posts = ["tea", "see @ann", "plain {words}", "hi"];
        assert_eq!(received.json(), json!([{"id": "UC1", "posts": posts}]));
    }
}
