//! The Blog Authorship Corpus as one CSV file, a post a row: Kaggle's `blogtext.csv`.

use std::collections::HashMap;
use std::io;

use model_core::corpus::other_length;

use crate::blogs::{date, labels, plain};
use crate::files::open_text;
use crate::table::{Row, Rows, each_row};
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted};

/// The columns that are read; `sign` is not.
const COLUMNS: [&str; 6] = ["id", "gender", "age", "topic", "date", "text"];

/// A CSV file with the columns `id,gender,age,topic,sign,date,text`. A user's rows may be apart, so the file is read
/// twice: first for the last row of each user, then for the posts. Only users of whom more rows are to come are held in
/// memory.
pub(crate) struct BlogTable;

const ABOUT: About = About {
    name: "blogs-csv",
    input: "the Blog Authorship Corpus as Kaggle's blogtext.csv, with the columns id, gender, age, topic, date and text",
    reads: "posts of the column `text`, grouped by `id`",
    labels: &["gender", "age", "industry", "profession"],
    leaves_out: "dates and star signs",
};

impl Format for BlogTable {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        file.may_be(&["csv"]) && file.has_columns(&COLUMNS)
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            let place = files.place(&name);
            let last_lines = last_lines(files, &name)?;
            each_row(files, &name, grouping, &mut |grouping, row| {
                let is_last = last_lines.get(row.cell("id")) == Some(&row.line);
                if let Err(what) = add(grouping, row, is_last)? {
                    grouping.bad_record(&format!("{place}:{}: {what}", row.line))?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// The line of the last row of each user, as far as the file can be read.
fn last_lines(files: &mut dyn Files, name: &str) -> io::Result<HashMap<String, u64>> {
    let mut rows = Rows::new(open_text(files, name)?)?;
    let mut last_lines = HashMap::new();
    // The second reading reports errors.
    while let Ok(Some(row)) = rows.next() {
        if let Ok(row) = row
            && row.lacks("text").is_none()
        {
            last_lines.insert(row.cell("id").to_owned(), row.line);
        }
    }
    Ok(last_lines)
}

/// Adds the post of a row, and hands over the user if it is the last one. The inner error says what is wrong with the row.
fn add(grouping: &mut Grouping<'_>, row: &Row, is_last: bool) -> io::Result<Result<(), String>> {
    if let Some((cells, columns)) = row.lacks("text") {
        return Ok(Err(other_length(cells, columns)));
    }
    let user = row.cell("id");
    if user.is_empty() {
        return Ok(Err("no id".to_owned()));
    }
    let labels = labels(row.cell("gender"), row.cell("age"), row.cell("topic"));
    grouping.add(Post {
        user,
        time: date(row.cell("date")),
        text: plain(row.cell("text")),
        ..Post::default()
    })?;
    if !is_last {
        return Ok(Ok(()));
    }
    match labels {
        Ok(labels) => {
            for (label, value) in labels {
                grouping.label(user, &label, value);
            }
            grouping.finish(user)?;
            Ok(Ok(()))
        }
        Err(what) => {
            grouping.discard(user);
            Ok(Err(format!("user {user}: {what}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read;

    #[test]
    fn rows_of_a_user_may_be_apart() {
        let table = "id,gender,age,topic,sign,date,text\n\
            17,female,23,Law,Leo,\"14,May,2004\",second\n\
            18,male,30,indUnk,Leo,\"14,May,2004\",\"other, &amp; more\"\n\
            17,female,23,Law,Leo,\"13,May,2004\",first\n";
        let (received, _) = read(&BlogTable, &[("blogtext.csv", table.as_bytes())]);
        let posts = received.users.iter().map(|user| user.posts.as_slice());
        let posts: Vec<_> = posts.collect();
        assert_eq!(posts.len(), 2);
        assert!(posts.contains(&&["first", "second"].map(String::from)[..]));
    }

    #[test]
    fn a_bad_last_row_cost_a_user_the_labels() {
        let table = |age| {
            format!(
                "id,gender,age,topic,sign,date,text\n\
                17,female,{age},Law,Leo,\"14,May,2004\",first\n\
                17,female,{age},Law,Leo,\"15,May,2004\",second, with comma\n"
            )
        };
        let (received, _) = read(&BlogTable, &[("blogtext.csv", table("23").as_bytes())]);
        let user = &received.users[0];
        assert_eq!(user.posts, ["first"]);
        assert_eq!(
            (&user.fields["gender"], &user.fields["age"]),
            (&"female".into(), &23.into())
        );
        assert_eq!(received.bad_records.len(), 1);
        // A user with a bad label is left out.
        let (received, _) = read(&BlogTable, &[("blogtext.csv", table("old").as_bytes())]);
        assert!(received.users.is_empty());
        assert_eq!(received.bad_records.len(), 2);
    }
}
