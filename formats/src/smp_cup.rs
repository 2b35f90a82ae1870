//! The corpus of the SMP CUP 2016 on users of Weibo.

use std::io;

use serde_json::Value;

use crate::files::{base, each_line};
use crate::labels::{birth_year, gender};
use crate::weibo::own_words;
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, expected, html, time};

/// Text files without a header: `train_status.txt` with a post a line, `train_labels.txt` with a user a line.
pub(crate) struct SmpCup;

const ABOUT: About = About {
    name: "smp-cup-2016",
    input: "the SMP CUP 2016: a folder with train_status.txt and train_labels.txt, or another ..._status.txt",
    reads: "posts of `..._status.txt` as they were segmented, grouped by user",
    labels: &["gender", "birth_year", "location"],
    leaves_out: "reposts without own words; `//@` tails",
};

impl Format for SmpCup {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        is(file.name(), "status")
            && file
                .head()
                .lines()
                .next()
                .is_some_and(|line| fields(line).is_some())
            || is(file.name(), "labels") && file.head().contains("||")
            // These have no posts. Alone they are accepted to say so.
            || file.is_alone() && is_beside(file)
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        let names = accepted(self, files)?;
        if !names.iter().any(|name| is(name, "status")) {
            return Err(expected(self));
        }
        for name in names.iter().filter(|name| is(name, "status")) {
            let place = files.place(name);
            each_line(files, name, grouping, &mut |grouping, number, line| {
                let Some([user, date, text]) = fields(line) else {
                    let what = "expected user,comments,reposts,source,time,text";
                    return grouping.bad_record(&format!("{place}:{number}: {what}"));
                };
                let own = own_words(&html::entities(text), false);
                grouping.counts().quotations += u64::from(own.had_quotation);
                grouping.add(Post {
                    user,
                    id: None,
                    time: time::time(date),
                    text: own.text,
                    is_repost: own.is_repost,
                })
            })?;
        }
        for name in names.iter().filter(|name| is(name, "labels")) {
            each_line(files, name, grouping, &mut |grouping, _, line| {
                let labels: Vec<&str> = line.split("||").map(str::trim).collect();
                if let [user, sex, year, location] = labels[..]
                    && grouping.has(user)
                {
                    grouping.label(user, "gender", gender(sex));
                    grouping.label(user, "birth_year", birth_year(year));
                    let is_known = location != "None";
                    grouping.label(
                        user,
                        "location",
                        if is_known {
                            location.into()
                        } else {
                            Value::Null
                        },
                    );
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Whether a file is one of profiles, of links between users or of users without labels.
fn is_beside(file: &mut Candidate<'_>) -> bool {
    let name = file.name().to_owned();
    let first = file.head().lines().next().unwrap_or_default();
    let are_ids = first
        .split(' ')
        .all(|id| id.len() >= 8 && id.bytes().all(|byte| byte.is_ascii_digit()));
    is(&name, "_info") && first.contains("||")
        || (is(&name, "_links") || is(&name, "_nolabel")) && are_ids
}

fn is(name: &str, part: &str) -> bool {
    base(name).ends_with(&format!("{part}.txt"))
}

/// User, time and text of a line. The text may hold commas.
fn fields(line: &str) -> Option<[&str; 3]> {
    let fields: Vec<&str> = line.splitn(6, ',').collect();
    let [user, comments, reposts, _source, time, text] = fields[..] else {
        return None;
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_line = !user.is_empty() && is_number(comments) && is_number(reposts);
    is_line.then_some([user, time, text])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read;
    use serde_json::json;

    #[test]
    fn posts_and_labels_are_joined() {
        let status = "17,0,0,iPhone 6,2015-12-21 21:30,晚安 , 朋友\n18,1,2,微博,今天 09:15,上班\n\
            17,0,0,iPhone 6,2015-12-20 21:30,早安 // @ 小红 : 好\nbroken\n";
        let labels = "17||f||1990||上海 浦东\n18||m||1978||None\n19||m||1978||None\n";
        let files = [
            ("train/train_status.txt", status.as_bytes()),
            ("train/train_labels.txt", labels.as_bytes()),
        ];
        let (received, counts) = read(&SmpCup, &files);
        let expected = json!([
            {"id": "17", "gender": "female", "birth_year": 1990, "location": "上海 浦东", "posts": ["早安", "晚安 , 朋友"]},
            {"id": "18", "gender": "male", "birth_year": 1978, "posts": ["上班"]},
        ]);
        assert_eq!(received.json(), expected);
        assert_eq!(counts.quotations, 1);
        assert!(received.bad_records[0].starts_with("train/train_status.txt:4: expected user"));
    }

    #[test]
    fn segmented_reposts_were_own_words() {
        let line = |text: &str| format!("17,0,0,微博,2015-12-21 21:30,{text}\n");
        let status = line("转发 微博")
            + &line("轉發 微博")
            + &line("转发 微博 // @ 小红 : 笑死")
            + &line("转发 工资 条");
        let (received, counts) = read(&SmpCup, &[("test_status.txt", status.as_bytes())]);
        assert_eq!(
            received.json(),
            json!([{"id": "17", "posts": ["转发 工资 条"]}])
        );
        assert_eq!(counts.reposts, 3);
    }
}
