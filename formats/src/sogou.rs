//! The corpus of Sogou and the CCF (BDCI 2016): queries of users of a search engine.

use std::io;

use crate::files::{base, each_line};
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted};

/// Lines of GB18030 with tabs: user, codes of age, gender and education, and any number of queries. The test file has no codes.
pub(crate) struct Sogou;

const AGES: [&str; 6] = ["0-18", "19-23", "24-30", "31-40", "41-50", "51-"];
const GENDERS: [&str; 2] = ["male", "female"];
const EDUCATIONS: [&str; 6] = [
    "doctorate",
    "master",
    "bachelor",
    "high school",
    "middle school",
    "primary school",
];
const ABOUT: About = About {
    name: "sogou",
    input: "user_tag_query.10W.TRAIN or .TEST of Sogou and the CCF (BDCI 2016): lines of user, codes and queries between tabs",
    reads: "queries as posts; one user per line",
    labels: &["age", "gender", "education"],
    leaves_out: "unknown labels (0)",
};

impl Format for Sogou {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        let is_named = base(file.name()).starts_with("user_tag_query");
        (is_named || file.may_be(&["train", "test", "csv", "txt"])) && {
            let head = file.head();
            let cells: Vec<&str> = head
                .lines()
                .next()
                .unwrap_or_default()
                .split('\t')
                .collect();
            cells.len() >= 2 && is_user(cells[0]) && (is_named || codes(&cells).is_some())
        }
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            let place = files.place(&name);
            each_line(files, &name, grouping, &mut |grouping, number, line| {
                let cells: Vec<&str> = line.split('\t').collect();
                let user = cells[0];
                if !is_user(user) || cells.len() < 2 {
                    let what = "expected user, codes and queries between tabs";
                    return grouping.bad_record(&format!("{place}:{number}: {what}"));
                }
                let queries = match codes(&cells) {
                    Some([age, gender, education]) => {
                        grouping.label(user, "age", label(&AGES, age));
                        grouping.label(user, "gender", label(&GENDERS, gender));
                        grouping.label(user, "education", label(&EDUCATIONS, education));
                        &cells[4..]
                    }
                    None => &cells[1..],
                };
                for query in queries {
                    grouping.add(Post {
                        user,
                        text: (*query).to_owned(),
                        ..Post::default()
                    })?;
                }
                grouping.finish(user)
            })?;
        }
        Ok(())
    }
}

/// An id is a hash in hexadecimal digits.
fn is_user(cell: &str) -> bool {
    cell.len() >= 16 && cell.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn codes(cells: &[&str]) -> Option<[usize; 3]> {
    let [_, age, gender, education, ..] = cells else {
        return None;
    };
    let code = |cell: &str| {
        cell.parse()
            .ok()
            .filter(|&code: &usize| code <= 6 && cell.len() == 1)
    };
    Some([code(age)?, code(gender)?, code(education)?])
}

/// The label of a code; empty for 0, which is unknown.
fn label(labels: &[&'static str], code: usize) -> &'static str {
    code.checked_sub(1)
        .and_then(|index| labels.get(index))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read;
    use serde_json::json;

    #[test]
    fn codes_are_labels_and_queries_posts() {
        let lines =
            "00627779E16E7C09\t2\t1\t3\t天气\t1 2\n10627779E16E7C09\t0\t2\t0\t电影\nbroken\n";
        let (bytes, ..) = encoding_rs::GB18030.encode(lines);
        let (received, _) = read(&Sogou, &[("user_tag_query.10W.TRAIN", &bytes[..])]);
        let expected = json!([
            {"id": "00627779E16E7C09", "age": "19-23", "gender": "male", "education": "bachelor", "posts": ["天气", "1 2"]},
            {"id": "10627779E16E7C09", "gender": "female", "posts": ["电影"]},
        ]);
        assert_eq!(received.json(), expected);
        assert_eq!(received.bad_records.len(), 1);
    }

    #[test]
    fn the_test_file_has_no_labels() {
        let lines = "00627779E16E7C09\t天气\t电影\n";
        let (received, _) = read(&Sogou, &[("user_tag_query.10W.TEST", lines.as_bytes())]);
        assert_eq!(
            received.json(),
            json!([{"id": "00627779E16E7C09", "posts": ["天气", "电影"]}])
        );
    }
}
