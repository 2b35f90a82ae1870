//! The posts and comments in the data that LinkedIn sends the owner of an account.

use std::io;

use crate::files::{base, folder, read_text};
use crate::owners::Owners;
use crate::table::{Row, each_row, rows_of};
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, time};

/// `Shares.csv` and `Comments.csv` in a folder or zip archive, in newer ones with the account's number behind the name.
pub(crate) struct LinkedIn;

const ABOUT: About = About {
    name: "linkedin",
    input: "Shares.csv (with Date, ShareLink, ShareCommentary) or Comments.csv (with Date, Link, Message) of the data of a LinkedIn account: its zip file, its folder, or such a file",
    reads: "posts and comments of the owner",
    labels: &[],
    leaves_out: "",
};

const SHARES: [&str; 3] = ["Date", "ShareLink", "ShareCommentary"];
const COMMENTS: [&str; 3] = ["Date", "Link", "Message"];

impl Format for LinkedIn {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        if !file.may_be(&["csv"]) || file.has_labels() {
            return false;
        }
        // Other programs may call their columns like those of comments.
        let is_of_comments = |file: &mut Candidate<'_>| {
            file.columns() == COMMENTS && file.head().contains("linkedin.com")
        };
        file.has_columns(&SHARES) || is_of_comments(file)
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        let names = accepted(self, files)?;
        let owners = owners(files, grouping)?;
        for name in names {
            let owner = owners.of(files, &name);
            if Candidate::new(files, &name).has_columns(&SHARES) {
                each_row(files, &name, grouping, &mut |grouping, row| {
                    add(grouping, &owner, row, unquoted(row.cell("ShareCommentary")))
                })?;
                continue;
            }
            if let Some(text) = read_text(files, &name, grouping)? {
                let text = with_doubled_quotes(&text);
                let place = files.place(&name);
                rows_of(text.as_bytes(), &place, grouping, &mut |grouping, row| {
                    add(grouping, &owner, row, row.cell("Message").to_owned())
                })?;
            }
        }
        Ok(())
    }
}

fn add(grouping: &mut Grouping<'_>, owner: &str, row: &Row, text: String) -> io::Result<()> {
    grouping.add(Post {
        user: owner,
        time: time::time(row.cell("Date")),
        text,
        ..Post::default()
    })
}

/// A table in which a backslash, and not a second quote, stands before a quote or a backslash in a cell, in the usual form.
fn with_doubled_quotes(table: &str) -> String {
    let parts = table.split(r"\\");
    let parts = parts.map(|part| part.replace("\\\"", "\"\""));
    parts.collect::<Vec<_>>().join("\\")
}

/// A post whose lines stand in quotes each, as LinkedIn writes them: `one"`, `"two"`, `"three`.
fn unquoted(cell: &str) -> String {
    let lines: Vec<&str> = cell.lines().collect();
    if !lines.iter().skip(1).all(|line| line.starts_with('"')) {
        return cell.to_owned();
    }
    let last = lines.len().saturating_sub(1);
    let lines = lines.iter().enumerate().map(|(index, &line)| {
        let line = (line.strip_prefix('"').filter(|_| index > 0)).unwrap_or(line);
        (line.strip_suffix('"').filter(|_| index < last)).unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The names in `Profile.csv`.
fn owners(files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<Owners> {
    Owners::find(files, folder, |files, name| {
        let base = base(name);
        let mut owner = None;
        if base == "Profile.csv" || base.starts_with("Profile_") && base.ends_with(".csv") {
            each_row(files, name, grouping, &mut |_, row| {
                let name = format!("{} {}", row.cell("First Name"), row.cell("Last Name"));
                let name = name.trim();
                owner = (owner.take()).or((!name.is_empty()).then(|| name.to_owned()));
                Ok(())
            })?;
        }
        Ok(owner)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_unknown, read};
    use serde_json::json;

    const SHARED: &str = "Date,ShareLink,ShareCommentary,SharedUrl,MediaUrl,Visibility\n\
        2024-05-02 10:00:00,https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A2,\"About \"\"tea\"\", again\",,,MEMBER_NETWORK\n\
        2024-05-01 10:00:00,https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A1,\"My new job\"\"\n\"\"\n\"\"starts today\",,,PUBLIC\n\
        2024-04-30 10:00:00,https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A0,,https://example.com,,PUBLIC\n";
    const COMMENTED: &str = "Date,Link,Message\n\
        2024-05-03 10:00:00,https://www.linkedin.com/feed/update/urn%3Ali%3Aactivity%3A7,\"When I led the \\\"tea, not coffee\\\" team,\n\nit was \\\"hot\\\"\"\n\
        ,https://www.linkedin.com/feed/update/urn%3Ali%3Aactivity%3A8,\"in C:\\\\\"\n";

    #[test]
    fn posts_and_comments_of_linkedin_had_no_user() {
        let files = [
            ("x/Shares_17.csv", SHARED.as_bytes()),
            ("x/Comments_17.csv", COMMENTED.as_bytes()),
            (
                "x/Profile.csv",
                b"First Name,Last Name,Headline\nAnn,Lee,Cook\n",
            ),
            (
                "x/Connections.csv",
                b"Notes:\n\"about addresses\"\n\nFirst Name,Last Name\nBen,Hu\n",
            ),
        ];
        let (received, counts) = read(&LinkedIn, &files);
        let posts = [
            "My new job\n\nstarts today",
            "About \"tea\", again",
            "When I led the \"tea, not coffee\" team,\n\nit was \"hot\"",
            "in C:\\",
        ];
        assert_eq!(received.json(), json!([{"id": "Ann Lee", "posts": posts}]));
        assert!(received.bad_records.is_empty());
        assert_eq!(counts.without_text, 1);
        let (received, _) = read(&LinkedIn, &[("posts.csv", SHARED.as_bytes())]);
        assert_eq!(received.users[0].fields["id"], "me");
    }

    #[test]
    fn posts_of_several_accounts_had_one_user() {
        let shared = |text: &str| {
            format!(
                "Date,ShareLink,ShareCommentary\n2024-05-02 10:00:00,https://www.linkedin.com/x,{text}\n"
            )
        };
        let [ann, ben, cleo] = ["tea", "rain", "sun"].map(shared);
        let files = [
            ("a/Profile.csv", &b"First Name,Last Name\nAnn,Lee\n"[..]),
            ("a/Shares.csv", ann.as_bytes()),
            ("b/Profile.csv", b"First Name,Last Name\nBen,Hu\n"),
            ("b/Shares.csv", ben.as_bytes()),
            ("c/Shares.csv", cleo.as_bytes()),
        ];
        let (received, _) = read(&LinkedIn, &files);
        let expected = json!([
            {"id": "Ann Lee", "posts": ["tea"]},
            {"id": "Ben Hu", "posts": ["rain"]},
            {"id": "c", "posts": ["sun"]},
        ]);
        assert_eq!(received.json(), expected);
    }

    #[test]
    fn tables_with_the_columns_of_comments_are_of_another_program() {
        let table = "Date,Link,Message\n2024-05-03,https://example.com,tea\n";
        assert_unknown("Comments.csv", table);
    }

    #[test]
    fn quotes_that_are_the_writers_stay() {
        for text in ["one", "", "\"one\"", "one\n\"two\"\nthree", "one\ntwo"] {
            assert_eq!(unquoted(text), text);
        }
        assert_eq!(unquoted("one\"\n\"\"\n\"two"), "one\n\ntwo");
        assert_eq!(
            unquoted("\"one\" two\"\n\"\"three\""),
            "\"one\" two\n\"three\""
        );
    }
}
