//! The corpora of the PAN tasks on author profiling.

use std::collections::HashMap;
use std::io;

use serde_json::{Map, Value};

use crate::files::{folder, read_text, stem};
use crate::labels::gender;
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, expected, html};

/// XML files of one author each, and `truth.txt` with a line of labels per author.
pub(crate) struct Pan;

/// The personality of 2015 in its order.
const TRAITS: [&str; 5] = [
    "extroverted",
    "stable",
    "agreeable",
    "conscientious",
    "open",
];
const ABOUT: About = About {
    name: "pan",
    input: "a PAN author profiling corpus (2013, 2015-2022): a folder or zip archive of XML files <author …>, with truth.txt",
    reads: "documents or conversations as text without HTML; one user per file; labels from truth.txt of its folder or one above",
    labels: &[
        "gender",
        "age",
        "lang",
        "variety",
        "extroverted",
        "stable",
        "agreeable",
        "conscientious",
        "open",
        "spreader",
    ],
    leaves_out: "retweets; bots of 2019; unknown labels (XX)",
};

impl Format for Pan {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        // Labels alone are accepted to say what they lack.
        file.may_be(&["xml"]) && author_tag(file.head()).is_some()
            || file.is_alone() && is_truth(file)
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        let names = accepted(self, files)?;
        if is_truth(&mut Candidate::new(files, &names[0])) {
            return Err(expected(self));
        }
        let truths = truths(files, &names, grouping)?;
        for name in names {
            let user = &*stem(&name);
            let place = files.place(&name);
            let truth = match labels_of(&truths, &name) {
                Ok(truth) => truth,
                Err(what) => {
                    grouping.bad_record(&format!("{place}: {what}"))?;
                    None
                }
            };
            let Some(text) = read_text(files, &name, grouping)? else {
                continue;
            };
            let documents = documents(&text);
            if truth.is_some_and(|labels| labels.get("type").is_some_and(|kind| kind == "bot")) {
                grouping.counts().bots += documents.len() as u64;
                continue;
            }
            // The truth counts where the file has the same label.
            let labels = truth
                .cloned()
                .unwrap_or_default()
                .into_iter()
                .chain(labels_of_tag(&text));
            for (label, value) in labels.filter(|(label, _)| label != "type") {
                grouping.label(user, &label, value);
            }
            if !text.contains("</author>") {
                grouping.bad_record(&format!("{place}: no </author> in it; is it cut off?"))?;
            }
            for document in documents {
                grouping.add(Post {
                    user,
                    // Names are replaced by #USER# in 2020 and 2021.
                    is_repost: ["RT @", "RT #USER#"]
                        .iter()
                        .any(|mark| document.starts_with(mark)),
                    text: document,
                    ..Post::default()
                })?;
            }
            grouping.finish(user)?;
        }
        Ok(())
    }
}

/// Whether a file is one of labels, called `truth.txt` or the like.
fn is_truth(file: &mut Candidate<'_>) -> bool {
    let is_labels = |line: &str| {
        line.split_once(":::")
            .is_some_and(|(id, _)| !id.contains(' '))
    };
    file.name().ends_with(".txt") && file.head().lines().next().is_some_and(is_labels)
}

/// A file of labels.
struct Truth {
    /// The folder that it is in.
    folder: String,
    /// Whether none of the authors is in this folder or one below, so that the labels may be of any folder.
    is_apart: bool,
    /// The labels by the author's id.
    labels: HashMap<String, Map<String, Value>>,
}

/// All files of labels; `names` are the files of authors.
fn truths(
    files: &mut dyn Files,
    names: &[String],
    grouping: &mut Grouping<'_>,
) -> io::Result<Vec<Truth>> {
    let mut truths = Vec::new();
    for name in files.names().to_vec() {
        if !is_truth(&mut Candidate::new(files, &name)) {
            continue;
        }
        let folder = folder(&name);
        if let Some(text) = read_text(files, &name, grouping)? {
            truths.push(Truth {
                folder: folder.to_owned(),
                is_apart: !names.iter().any(|name| name.starts_with(folder)),
                labels: text.lines().filter_map(labels_of_line).collect(),
            });
        }
    }
    Ok(truths)
}

/// The labels of the author in the file `name`: those of the nearest folder, since the folders of several languages have
/// authors of the same ids.
///
/// # Errors
/// If the labels are apart from the authors, and files of labels differ.
fn labels_of<'a>(
    truths: &'a [Truth],
    name: &str,
) -> Result<Option<&'a Map<String, Value>>, &'static str> {
    let stem = stem(name);
    // 2013 has files ID_en_20s_female.xml.
    let ids = [stem.as_str(), stem.split('_').next().unwrap_or(&stem)];
    let labels = |truth: &'a Truth| ids.iter().find_map(|id| truth.labels.get(*id));
    let above = (truths.iter())
        .filter(|truth| !truth.is_apart && name.starts_with(&truth.folder))
        .filter_map(|truth| Some((truth.folder.len(), labels(truth)?)));
    if let Some((_, labels)) = above.max_by_key(|(length, _)| *length) {
        return Ok(Some(labels));
    }
    let mut apart = truths
        .iter()
        .filter(|truth| truth.is_apart)
        .filter_map(labels);
    let first = apart.next();
    match apart.all(|labels| Some(labels) == first) {
        true => Ok(first),
        false => Err(
            "files of labels differ in this author; move each of them into the folder of its authors",
        ),
    }
}

/// Id and labels of a line such as `id:::F:::18-24` or `id:::human:::female`. What a field is can be told by its value.
fn labels_of_line(line: &str) -> Option<(String, Map<String, Value>)> {
    let mut fields = line.trim().split(":::");
    let id = fields.next().filter(|id| !id.is_empty())?;
    let mut labels = Map::new();
    let mut traits = TRAITS.iter();
    for field in fields {
        let (label, value) = match field {
            "bot" | "human" => ("type", field.into()),
            // Spreaders of fake news (2020), of hate speech (2021), and of irony and stereotypes (2022).
            "0" | "1" if labels.is_empty() => ("spreader", (field == "1").into()),
            "I" | "NI" => ("spreader", (field == "I").into()),
            _ if !gender(field).is_null() => ("gender", gender(field)),
            _ if is_age(field) => ("age", field.into()),
            _ => match field.parse::<f64>() {
                Ok(score) => (*traits.next()?, score.into()),
                Err(_) if is_unknown(field) => continue,
                Err(_) => ("variety", field.into()),
            },
        };
        labels.insert(label.to_owned(), value);
    }
    Some((id.to_owned(), labels))
}

/// `18-24`, `50-XX` or `20s`.
fn is_age(field: &str) -> bool {
    field.len() >= 3
        && field.as_bytes()[..2].iter().all(u8::is_ascii_digit)
        && (field[2..].starts_with('-') || &field[2..] == "s")
}

fn is_unknown(label: &str) -> bool {
    matches!(label.to_lowercase().as_str(), "" | "xx" | "xx-xx")
}

/// The attributes of the root element if it is an author.
fn author_tag(xml: &str) -> Option<&str> {
    let mut rest = xml.trim_start();
    // A declaration, a document type and comments may stand before the root.
    while rest.starts_with("<?") || rest.starts_with("<!") {
        let end = if rest.starts_with("<!--") { "-->" } else { ">" };
        rest = rest.split_once(end)?.1.trim_start();
    }
    let tag = rest.strip_prefix("<author")?;
    let is_name = tag.starts_with(|next: char| next == '>' || next.is_whitespace());
    tag.split('>').next().filter(|_| is_name)
}

/// `lang`, and `gender` and `age_group` where they are known.
fn labels_of_tag(xml: &str) -> Vec<(String, Value)> {
    let tag = author_tag(xml).unwrap_or_default();
    let attribute = |name: &str| {
        let value = tag.split_once(&format!(" {name}="))?.1;
        let quote = value
            .chars()
            .next()
            .filter(|first| matches!(first, '"' | '\''))?;
        let value = value[1..].split(quote).next()?;
        (!is_unknown(value)).then_some(value)
    };
    let labels = [
        ("gender", attribute("gender").map_or(Value::Null, gender)),
        ("age", attribute("age_group").into()),
        ("lang", attribute("lang").into()),
    ];
    labels
        .map(|(label, value)| (label.to_owned(), value))
        .into()
}

/// The texts of all elements `document` and `conversation`.
fn documents(xml: &str) -> Vec<String> {
    let mut documents = Vec::new();
    let mut rest = xml;
    while let Some((_, markup)) = rest.split_once('<') {
        rest = markup;
        let found = ["document", "conversation"].into_iter().find_map(|tag| {
            let after = markup.strip_prefix(tag)?;
            // Not `<documents>` and `<conversations>`.
            after.starts_with(['>', ' ', '/']).then_some((tag, after))
        });
        let Some((tag, after)) = found else {
            continue;
        };
        let Some((attributes, content)) = after.split_once('>') else {
            return documents;
        };
        rest = content;
        if attributes.ends_with('/') {
            continue;
        }
        let end = format!("</{tag}>");
        let is_data = content.trim_start().starts_with("<![CDATA[");
        let found = if is_data {
            content.trim_start()["<![CDATA[".len()..].split_once("]]>")
        } else {
            content.split_once(end.as_str())
        };
        // A file that was cut off has no end.
        let Some((text, after)) = found else {
            return documents;
        };
        rest = after;
        let text = match is_data {
            true => html::text(text),
            false => html::text(&html::entities(text)),
        };
        documents.push(text.text);
    }
    documents
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_unknown, read};
    use serde_json::json;
    use std::time::{Duration, Instant};

    #[test]
    fn authors_get_the_labels_of_the_truth() {
        let xml: &[u8] = b"<author type=\"twitter\" lang=\"en\" age_group=\"xx-xx\" gender=\"xx\">\n\
            <document><![CDATA[one &amp; two\nlines]]></document>\n<document id=\"2\"><![CDATA[RT @a: b]]></document>\n\
            <document><![CDATA[<p>with <b>tags</b></p>]]></document></author>";
        let files = [
            ("en/a.xml", xml),
            ("en/b.xml", xml),
            (
                "en/truth.txt",
                &b"a:::F:::18-24:::0.2:::0.1:::0.3:::0.2:::-0.1\nb:::bot:::bot"[..],
            ),
        ];
        let (received, counts) = read(&Pan, &files);
        let expected = json!([{"id": "a", "gender": "female", "age": "18-24", "extroverted": 0.2, "stable": 0.1,
            "agreeable": 0.3, "conscientious": 0.2, "open": -0.1, "lang": "en",
            "posts": ["one & two\nlines", "with tags"]}]);
        assert_eq!(received.json(), expected);
        assert_eq!((counts.bots, counts.reposts), (3, 1));
    }

    #[test]
    fn retweets_with_hidden_names_were_the_authors_words() {
        let xml: &[u8] = b"<author lang=\"en\"><documents><document><![CDATA[RT #USER#: theirs #URL#]]></document>\
            <document><![CDATA[mine #USER#]]></document></documents></author>";
        let (received, counts) = read(&Pan, &[("a.xml", xml)]);
        assert_eq!(received.users[0].posts, ["mine #USER#"]);
        assert_eq!(counts.reposts, 1);
    }

    #[test]
    fn a_feed_with_authors_was_a_corpus_of_authors() {
        let feed = "<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>x</id>\
            <entry><author><name>Ann</name></author><content>hello</content></entry></feed>";
        assert_unknown("feed.atom", feed);
        for (xml, tag) in [
            (
                "<?xml version=\"1.0\"?>\n<!-- <author> --><author lang=\"en\">",
                Some(" lang=\"en\""),
            ),
            ("<!DOCTYPE author>\n<author>", Some("")),
            ("<authors><author>", None),
            ("<!-- <author>", None),
        ] {
            assert_eq!(author_tag(xml), tag, "{xml}");
        }
    }

    #[test]
    fn the_file_has_the_labels_of_2013() {
        let xml: &[u8] = b"<?xml version=\"1.0\"?><author lang=\"es\" age_group=\"20s\" gender=\"male\">\n<conversations count=\"1\">\
            <conversation id=\"1\">&lt;p&gt;hola &amp;amp; adios&lt;/p&gt;</conversation></conversations></author>";
        let (received, _) = read(&Pan, &[("x_es_20s_male.xml", xml)]);
        let expected = json!([{"id": "x_es_20s_male", "gender": "male", "age": "20s", "lang": "es", "posts": ["hola & adios"]}]);
        assert_eq!(received.json(), expected);
    }

    #[test]
    fn labels_of_one_language_went_to_authors_of_another() {
        let xml: &[u8] = b"<author lang=\"en\"><document>a</document></author>";
        let labels = |files: &[(&str, &[u8])]| {
            let (received, _) = read(&Pan, files);
            let users = received.users.iter();
            let genders = users.map(|user| user.fields.get("gender").cloned().unwrap_or_default());
            (genders.collect::<Vec<_>>(), received.bad_records.len())
        };
        let files: [(&str, &[u8]); 5] = [
            ("pan/en/user1.xml", xml),
            ("pan/en/truth.txt", b"user1:::F"),
            ("pan/es/text/user1.xml", xml),
            ("pan/es/truth.txt", b"user1:::M"),
            ("pan/nl/user1.xml", xml),
        ];
        let expected = vec![json!("female"), json!("male"), Value::Null];
        assert_eq!(labels(&files), (expected, 0));
        // Labels apart from the authors count if they are the only ones.
        let files: [(&str, &[u8]); 5] = [
            ("en/user1.xml", xml),
            ("en/user2_en_xx_xx.xml", xml),
            ("truth/a.txt", b"user1:::F\nuser2:::M"),
            ("truth/b.txt", b"user1:::M\nuser2:::M"),
            ("truth/c.txt", b"user3:::M"),
        ];
        assert_eq!(labels(&files), (vec![Value::Null, json!("male")], 1));
    }

    #[test]
    fn labels_in_single_quotes_were_lost() {
        let xml: &[u8] =
            b"<author lang='es' age_group='10s' gender='male'><document>a</document></author>";
        let (received, _) = read(&Pan, &[("a.xml", xml)]);
        let expected =
            json!([{"id": "a", "gender": "male", "age": "10s", "lang": "es", "posts": ["a"]}]);
        assert_eq!(received.json(), expected);
    }

    #[test]
    fn lines_of_every_year_are_understood() {
        for (line, expected) in [
            (
                "a:::MALE:::50-XX",
                json!({"gender": "male", "age": "50-XX"}),
            ),
            (
                "a:::female:::canada",
                json!({"gender": "female", "variety": "canada"}),
            ),
            (
                "a:::human:::male",
                json!({"type": "human", "gender": "male"}),
            ),
            ("a:::1", json!({"spreader": true})),
            ("a:::I", json!({"spreader": true})),
            ("a:::NI", json!({"spreader": false})),
            ("a:::M:::XX-XX", json!({"gender": "male"})),
        ] {
            assert_eq!(
                Value::from(labels_of_line(line).unwrap().1),
                expected,
                "{line}"
            );
        }
    }

    #[test]
    fn a_cut_off_file_keeps_its_whole_documents() {
        let xml: &[u8] = b"<author lang=\"en\"><documents><document><![CDATA[a]]></document>\n<document><![CDATA[b";
        let (received, _) = read(&Pan, &[("a.xml", xml)]);
        assert_eq!(received.users[0].posts, ["a"]);
        assert_eq!(
            received.bad_records,
            ["a.xml: no </author> in it; is it cut off?"]
        );
    }

    #[test]
    fn each_document_cost_a_search_of_the_whole_file() {
        let count = 1_000_000;
        let start = Instant::now();
        assert!(documents(&"<document/>".repeat(count)).is_empty());
        let found = documents(&"<conversation>a</conversation>".repeat(count));
        assert_eq!(found.len(), count);
        assert!(start.elapsed() < Duration::from_secs(60));
    }
}
