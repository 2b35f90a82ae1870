//! The Blog Authorship Corpus as its authors publish it: a file a user, with the labels in its name.

use std::io::{self, Read};

use encoding_rs::WINDOWS_1252;
use memchr::memmem;
use model_core::corpus::MAX_RECORD_BYTES;
use serde_json::{Map, Value};

use crate::blogs::{date, labels, plain};
use crate::files::{base, stem};
use crate::{About, Candidate, Files, Format, Grouping, Post, expected};

/// Files `ID.gender.age.Industry.Sign.xml`. They look like XML, but hold unescaped `&` and `<`, entities of HTML and bytes of
/// other encodings, so only their four tags are looked at.
pub(crate) struct BlogFiles;

const ABOUT: About = About {
    name: "blogs-xml",
    input: "the Blog Authorship Corpus: a folder or zip archive of files ID.gender.age.Industry.Sign.xml",
    reads: "posts of one blogger per file",
    labels: &["gender", "age", "industry", "profession"],
    leaves_out: "names, dates and star signs",
};

impl Format for BlogFiles {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        labels_of_name(file.name()).is_ok()
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        let mut names = files.names().to_vec();
        names.retain(|name| is_blog(name));
        if names.is_empty() {
            return Err(expected(self));
        }
        for name in names {
            match blog(files, &name) {
                Ok((labels, posts, problem)) => {
                    if let Some(what) = problem {
                        grouping.bad_record(&format!("{}: {what}", files.place(&name)))?;
                    }
                    let user = stem(&name);
                    for (label, value) in labels {
                        grouping.label(&user, &label, value);
                    }
                    for (time, text) in posts {
                        grouping.add(Post {
                            user: &user,
                            time,
                            text,
                            ..Post::default()
                        })?;
                    }
                    grouping.finish(&user)?;
                }
                Err(what) => grouping.bad_record(&format!("{}: {what}", files.place(&name)))?,
            }
        }
        Ok(())
    }
}

/// Hidden files are not the corpus's.
fn is_blog(name: &str) -> bool {
    base(name).ends_with(".xml") && !base(name).starts_with('.')
}

fn labels_of_name(name: &str) -> Result<Map<String, Value>, String> {
    match base(name).split('.').collect::<Vec<_>>()[..] {
        [id, gender, age, industry, _sign, "xml"] if !id.is_empty() => {
            labels(gender, age, industry)
        }
        _ => Err("the name is not ID.gender.age.Industry.Sign.xml".to_owned()),
    }
}

type Posts = Vec<(Option<i64>, String)>;
/// Labels and posts of a blog, and what is wrong with the rest of it.
type Blog = (Map<String, Value>, Posts, Option<String>);

fn blog(files: &mut dyn Files, name: &str) -> Result<Blog, String> {
    let labels = labels_of_name(name)?;
    let mut bytes = Vec::new();
    files
        .open(name)
        .and_then(|file| {
            file.take(MAX_RECORD_BYTES as u64 + 1)
                .read_to_end(&mut bytes)
        })
        .map_err(|error| error.to_string())?;
    if bytes.len() > MAX_RECORD_BYTES {
        return Err(format!("longer than {} MiB", MAX_RECORD_BYTES >> 20));
    }
    let (posts, problem) = posts(&bytes)?;
    Ok((labels, posts, problem))
}

/// The posts of a file, pairs of `<date>…</date>` and `<post>…</post>`, and what is wrong with the last one.
fn posts(file: &[u8]) -> Result<(Posts, Option<String>), String> {
    let mut posts = Vec::new();
    let mut problem = None;
    let mut rest = file;
    while let Some(start) = memmem::find(rest, b"<post>") {
        let (head, post) = (&rest[..start], &rest[start + b"<post>".len()..]);
        let Some(end) = memmem::find(post, b"</post>") else {
            let before = file.len() - post.len();
            let line = 1 + memchr::memchr_iter(b'\n', &file[..before]).count();
            problem = Some(format!(
                "<post> of line {line} has no end; is the file cut off?"
            ));
            break;
        };
        let time = last_date(head).and_then(|text| date(&decode(text)));
        posts.push((time, plain(&decode(&post[..end]))));
        rest = &post[end..];
    }
    if posts.is_empty() {
        return Err(problem.unwrap_or_else(|| "no <post> in it".to_owned()));
    }
    Ok((posts, problem))
}

/// The content of the last `<date>` before a post.
fn last_date(head: &[u8]) -> Option<&[u8]> {
    let date = &head[memmem::rfind(head, b"<date>")? + b"<date>".len()..];
    Some(&date[..memmem::find(date, b"</date>")?])
}

/// Text in UTF-8 or, where it is not valid, in Windows-1252, which Latin-1 is a part of.
fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => WINDOWS_1252
            .decode_without_bom_handling(bytes)
            .0
            .into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read;

    #[test]
    fn posts_are_found_whatever_stands_in_them() {
        let file =
            b"<Blog>\n<date>14,May,2004</date>\n<post>a < b & <b>c</b>\xe9 \x93d\x94</post>\n\
            <post>caf\xc3\xa9</post></Blog>";
        let (posts, problem) = posts(file).unwrap();
        assert_eq!(problem, None);
        assert_eq!(
            posts[0],
            (date("14,May,2004"), "a < b & <b>c</b>é “d”".to_owned())
        );
        assert_eq!(posts[1], (None, "café".to_owned()));
    }

    #[test]
    fn a_cut_off_file_lost_the_posts_before_the_cut() {
        assert!(posts(b"<Blog></Blog>").is_err());
        let (posts, cut) = posts(b"<Blog>\n<post>a</post>\n<post>b").unwrap();
        assert_eq!(posts, [(None, "a".to_owned())]);
        assert!(cut.unwrap().contains("line 3"));
    }

    #[test]
    fn names_hold_the_labels() {
        let fields = labels_of_name("blogs/17.female.23.indUnk.Leo.xml").unwrap();
        assert_eq!(fields.len(), 2);
        for name in ["truth.xml", "17.female.23.Leo.xml", "17.no.23.Law.Leo.xml"] {
            assert!(labels_of_name(name).is_err(), "{name}");
        }
        assert!(!is_blog("__MACOSX/blogs/._17.female.23.indUnk.Leo.xml"));
    }

    #[test]
    fn a_file_is_a_user() {
        let file = b"<Blog>\n<date>14,May,2004</date>\n<post>a &amp; b</post>\n<post>caf\xe9</post></Blog>";
        let (received, _) = read(&BlogFiles, &[("17.female.23.Law.Leo.xml", file)]);
        assert_eq!(received.users[0].posts, ["a & b", "café"]);
        assert_eq!(received.users[0].fields["age"], 23);
    }
}
