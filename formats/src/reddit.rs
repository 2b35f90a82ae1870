//! Dumps of Reddit's comments and submissions.

use std::io;

use serde_json::Value;

use crate::json::{each_post, text};
use crate::table::each_row;
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, html, labels, time};

/// JSON lines `RC_*` (comments) and `RS_*` (submissions), often compressed.
pub(crate) struct Reddit;

const ABOUT: About = About {
    name: "reddit",
    input: "Reddit dumps (RC_*, RS_*) or collections as JSON lines, an array, {\"data\": […]}, listings or CSV with author, subreddit, and body or title and selftext",
    reads: "comments, and title and text of submissions, grouped by `author`",
    labels: &[],
    leaves_out: "`[deleted]`, `[removed]` and `[ Removed by Reddit ]`; AutoModerator and other bots by name; crossposts; quoted lines",
};

impl Format for Reddit {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        // The names of dumps have no ending.
        if !file.may_be(&["json", "jsonl", "ndjson", "csv", ""]) {
            return false;
        }
        if is_table(file) {
            let texts = ["body", "title"];
            let has_post = |text: &&str| file.has_columns(&["author", "subreddit", text]);
            return texts.iter().any(has_post) && !file.has_labels();
        }
        file.place_of_posts(is_post).is_some()
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            if is_table(&mut Candidate::new(files, &name)) {
                each_row(files, &name, grouping, &mut |grouping, row| {
                    let columns = COLUMNS.iter().filter(|name| row.has(name));
                    let cells = columns.map(|name| ((*name).to_owned(), row.cell(name).into()));
                    add(grouping, &Value::Object(cells.collect()))
                })?;
            } else {
                let place = files.place(&name);
                each_post(files, &name, is_post, grouping, &mut |grouping, post| {
                    match is_entry(post) {
                        true => add(grouping, post),
                        // What stands for further comments in an answer.
                        false if post["children"].is_array() => Ok(()),
                        false => grouping.bad_record(&format!("{place}: no comment or submission")),
                    }
                })?;
            }
        }
        Ok(())
    }
}

fn is_post(record: &Value) -> bool {
    record["author"].is_string()
        && record["subreddit"].is_string()
        && (record["body"].is_string() || record["title"].is_string())
}

/// Whether a record has the fields of a post, be they empty.
fn is_entry(record: &Value) -> bool {
    let has = |name: &&str| record.get(name).is_some();
    has(&"author") && ["body", "title", "selftext"].iter().any(has)
}

/// The columns of a table that are read.
const COLUMNS: [&str; 6] = ["author", "body", "selftext", "title", "id", "created_utc"];

fn is_table(file: &mut Candidate<'_>) -> bool {
    !file.head().trim_start().starts_with(['{', '['])
}

fn add(grouping: &mut Grouping<'_>, post: &Value) -> io::Result<()> {
    let user = post["author"].as_str().unwrap_or_default();
    let body = post["body"]
        .as_str()
        .or(post["selftext"].as_str())
        .unwrap_or_default();
    // Python writes "None" for an account that was deleted.
    if user.is_empty() || user == "None" || is_deleted(user) || is_deleted(body) {
        grouping.counts().deleted += 1;
        return Ok(());
    }
    if is_bot(user) {
        grouping.counts().bots += 1;
        return Ok(());
    }
    let body = html::entities(body);
    // `>!words!<` is a spoiler, hidden until it is clicked.
    let is_quoted = |line: &&str| line.starts_with('>') && !line.starts_with(">!");
    let own: Vec<&str> = body.lines().filter(|line| !is_quoted(line)).collect();
    let title = html::entities(post["title"].as_str().unwrap_or_default());
    let own = format!("{title}\n{}", own.join("\n"));
    let is_repost = !post["crosspost_parent"].is_null();
    let had_quotation = body.lines().any(|line| is_quoted(&line));
    grouping.counts().quotations +=
        u64::from(had_quotation && !is_repost && !own.trim().is_empty());
    labels::keep(grouping, user, post);
    grouping.add(Post {
        user,
        id: Some(&text(&post["id"])),
        time: time::of(&post["created_utc"]),
        text: own,
        is_repost,
    })
}

fn is_deleted(text: &str) -> bool {
    matches!(
        text.trim(),
        "[deleted]" | "[removed]" | "[ Removed by Reddit ]" | "[ Removed by reddit ]"
    )
}

/// Bots by the usual forms of their names; "talbot" is none of them.
fn is_bot(name: &str) -> bool {
    let endings = ["Bot", "_bot", "-bot", "_BOT", "-BOT", "-ModTeam"];
    name == "AutoModerator" || endings.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_unknown, read};
    use serde_json::json;

    #[test]
    fn spoilers_were_left_out_as_quotations() {
        let line = json!({"id": "1", "author": "ann", "body": "&gt;!Snape!&lt; and I cried\n&gt; theirs", "subreddit": "s"});
        let (received, counts) = read(&Reddit, &[("RC_2012-01", line.to_string().as_bytes())]);
        assert_eq!(received.users[0].posts, [">!Snape!< and I cried"]);
        assert_eq!(counts.quotations, 1);
    }

    #[test]
    fn bots_deleted_and_quoted_text_are_left_out() {
        let comment = |id: u32, author: &str, body: &str| json!({"id": id.to_string(), "author": author, "body": body, "subreddit": "s", "created_utc": 2_000_000_000 - id});
        let lines = [
            comment(1, "ann", "&gt; theirs\n\nmine &amp; yours"),
            comment(2, "[deleted]", "x"),
            comment(3, "ben", "[removed]"),
            comment(4, "AutoModerator", "beep"),
            comment(5, "talbot", "hi"),
            json!({"id": "6", "author": "ann", "title": "Title", "selftext": "text", "subreddit": "s", "created_utc": "1500000000"}),
            comment(8, "ann", "[ Removed by Reddit ]"),
            json!({"id": "7", "author": "ann", "title": "T", "selftext": "", "subreddit": "s", "crosspost_parent": "t3_x"}),
        ];
        let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let (received, counts) = read(&Reddit, &[("RC_2012-01", lines.as_bytes())]);
        let expected = json!([
            {"id": "ann", "posts": ["Title\ntext", "mine & yours"]},
            {"id": "talbot", "posts": ["hi"]},
        ]);
        assert_eq!(received.json(), expected);
        assert_eq!(
            (
                counts.deleted,
                counts.bots,
                counts.reposts,
                counts.quotations
            ),
            (3, 1, 1, 1)
        );
    }

    #[test]
    fn answers_of_interfaces_were_of_no_format() {
        let post = |author: &str, body: &str| json!({"id": body, "author": author, "body": body, "subreddit": "s"});
        let posts = [post("AutoModerator", "beep"), post("ann", "> theirs\nmine")];
        let children = posts
            .clone()
            .map(|post| json!({"kind": "t1", "data": post}));
        let listing = json!({"kind": "Listing", "data": {"after": null, "children": children}});
        for content in [json!({"data": posts}), listing.clone(), json!([listing])] {
            let (received, counts) = read(&Reddit, &[("a.json", content.to_string().as_bytes())]);
            assert_eq!(
                received.json(),
                json!([{"id": "ann", "posts": ["mine"]}]),
                "{content}"
            );
            assert_eq!((counts.bots, counts.quotations), (1, 1));
        }
    }

    #[test]
    fn records_of_another_shape_were_deleted_posts() {
        let post = json!({"id": "1", "author": "ann", "body": "tea", "subreddit": "s"});
        let other = json!({"id": "2", "user": "ben", "text": "rain"});
        let lines = format!("{post}\n{other}\n");
        let (received, counts) = read(&Reddit, &[("a.jsonl", lines.as_bytes())]);
        assert_eq!(received.json(), json!([{"id": "ann", "posts": ["tea"]}]));
        assert_eq!((counts.deleted, received.bad_records.len()), (0, 1));
    }

    #[test]
    fn users_of_a_corpus_with_fields_of_reddit_lost_their_posts() {
        let user =
            json!({"author": "ann", "subreddit": "s", "title": "t", "posts": ["tea", "rain"]});
        assert_unknown("a.jsonl", &user.to_string());
    }

    #[test]
    fn titles_in_tables_were_left_out() {
        let table = "id,author,title,selftext,created_utc,subreddit\n\
            a,ann,Tea,Which one?,1600000001.0,tea\n\
            b,ann,Coffee?,,1600000000,tea\n\
            c,None,gone,[deleted],1600000002,tea\n";
        let (received, counts) = read(&Reddit, &[("posts.csv", table.as_bytes())]);
        let posts = ["Coffee?", "Tea\nWhich one?"];
        assert_eq!(received.json(), json!([{"id": "ann", "posts": posts}]));
        assert_eq!(counts.deleted, 1);
        assert_unknown("posts.csv", "author,subreddit,body,Gender\nann,tea,hi,f\n");
    }
}
