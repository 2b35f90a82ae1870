use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::users::words;
use super::*;

const CHAT: &str =
    "1/4/23, 7:02 PM - Ann: hello there\n1/4/23, 7:03 PM - Ben: oh\n1/4/23, 7:04 PM - Ann: bye\n";
const TWEETS: &str = r#"window.YTD.tweets.part0 = [
  {"tweet": {"id_str": "2", "created_at": "Wed Oct 11 20:19:20 +0000 2022", "full_text": "RT @ann: hello"}},
  {"tweet": {"id_str": "1", "created_at": "Wed Oct 10 20:19:20 +0000 2022", "full_text": "tea &gt; coffee"}}
]"#;
const ACCOUNT: &str = r#"window.YTD.account.part0 = [ {"account": {"accountId": "11"}} ]"#;
const OUTBOX: &str = r#"{"@context": "https://www.w3.org/ns/activitystreams", "orderedItems": [
  {"id": "a", "type": "Create", "actor": "me", "published": "2023-01-01T10:00:00Z", "object": {"content": "<p>my school</p>"}}
]}"#;

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        let options = SimpleFileOptions::default();
        archive.start_file(*name, options).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, name, *content).unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What is found in these files.
fn found(files: &[(&str, &[u8])]) -> Vec<(Report, Vec<u8>)> {
    let given = files.iter().map(|(name, content)| {
        let reader = Cursor::new(content.to_vec());
        ((*name).to_owned(), reader)
    });
    let mut found = Vec::new();
    read(given.collect(), &mut |report, bytes| {
        found.push((report, bytes));
    });
    found
}

/// The notes and the users of the only report.
fn users(files: &[(&str, &[u8])]) -> (Vec<String>, Vec<Value>) {
    let found = found(files);
    let [(Report::Users(extract), jsonl)] = &found[..] else {
        panic!("{found:?}");
    };
    let users = extract.writers.iter().map(|writer| {
        let user: Value = serde_json::from_slice(&jsonl[writer.start..writer.end]).unwrap();
        assert_eq!(user["id"], writer.id);
        assert_eq!(user["posts"].as_array().unwrap().len(), writer.posts);
        user
    });
    (extract.notes.clone(), users.collect())
}

#[test]
fn archives_are_read_as_their_format() {
    let x: &[(&str, &[u8])] = &[
        ("data/tweets.js", TWEETS.as_bytes()),
        ("data/account.js", ACCOUNT.as_bytes()),
        ("data/tweets_media/1.jpg", b"\xFF\xD8\xFF\xE0\0"),
    ];
    let tweets = vec![json!({"id": "11", "posts": ["tea > coffee"]})];
    for archive in [zip_of(x), tar_of(x), gzip(&tar_of(x))] {
        let (notes, found) = users(&[("twitter.zip", &archive)]);
        assert_eq!(found, tweets);
        assert_eq!(
            notes[..2],
            ["read as twitter-archive", "left out: 1 repost"]
        );
        assert!(notes[2].contains("not read as posts: data/account.js"));
    }
    // Its files may also be given singly.
    let (notes, found) = users(&[x[1], x[0]].map(|(name, bytes)| (&name[5..], bytes)));
    assert_eq!(found, tweets);
    assert_eq!(notes[2], "no posts were read from account.js");
    let mastodon = gzip(&tar_of(&[("outbox.json", OUTBOX.as_bytes())]));
    let (_, found) = users(&[("archive.tar.gz", &mastodon)]);
    assert_eq!(found, [json!({"id": "me", "posts": ["my school"]})]);
    let chat = [
        json!({"id": "Ann", "posts": ["hello there", "bye"]}),
        json!({"id": "Ben", "posts": ["oh"]}),
    ];
    for (name, bytes) in [
        ("chat.txt", CHAT.as_bytes().to_vec()),
        ("chat.txt.gz", gzip(CHAT.as_bytes())),
        ("chat.zip", zip_of(&[("_chat.txt", CHAT.as_bytes())])),
    ] {
        assert_eq!(users(&[(name, &bytes)]).1, chat, "{name}");
    }
}

#[test]
fn files_without_posts_were_named_once_for_each_format() {
    let found = found(&[
        ("chat.txt", CHAT.as_bytes()),
        ("tweets.js", TWEETS.as_bytes()),
        ("account.js", ACCOUNT.as_bytes()),
    ]);
    let notes: Vec<String> = (found.into_iter())
        .flat_map(|(report, _)| match report {
            Report::Users(extract) => extract.notes,
            other => panic!("{other:?}"),
        })
        .collect();
    let read_as = notes.iter().filter(|note| note.starts_with("read as "));
    assert_eq!(read_as.count(), 2, "{notes:?}");
    let note = "no posts were read from account.js";
    let named = notes.iter().filter(|found| *found == note);
    assert_eq!(named.count(), 1, "{notes:?}");
}

#[test]
fn files_of_one_format_are_read_as_one() {
    let again = zip_of(&[("_chat.txt", CHAT.as_bytes())]);
    let (_, found) = users(&[("chat.txt", CHAT.as_bytes()), ("chat.zip", &again)]);
    assert_eq!(found[0]["posts"].as_array().unwrap().len(), 4);
    let (_, found) = users(&[("chat.txt", CHAT.as_bytes()), ("chat.txt", CHAT.as_bytes())]);
    assert_eq!(found[0]["posts"].as_array().unwrap().len(), 4);
}

#[test]
fn the_page_reads_what_has_no_format_with_a_name() {
    let jsonl: &[u8] = b"{\"id\": 1, \"text\": \"hi\"}\n";
    let members = zip_of(&[
        ("a/users.jsonl", jsonl),
        ("a/.hidden.csv", b"x"),
        ("readme.md", b"x"),
    ]);
    let packed = gzip(jsonl);
    let found = found(&[
        ("users.jsonl", jsonl),
        ("chat.txt", CHAT.as_bytes()),
        ("users.jsonl.gz", &packed),
        ("users.csv.xz", b"\xFD7zXZ\0"),
        ("users.zip", &members),
        ("pictures.zip", &zip_of(&[("a.jpg", b"x")])),
        ("cut.zip", &members[..members.len() - 9]),
        ("cut.jsonl.gz", b"\x1F\x8B\x08\0\0\0\0\0"),
        ("late.jsonl.gz", &packed[..packed.len() - 4]),
        ("padded.jsonl.gz", &[&packed[..], &[0; 512]].concat()),
    ]);
    let mut texts = found.iter().map(|(report, bytes)| match report {
        Report::Users(extract) => extract.name.clone(),
        Report::Unpacked { name, notes } => {
            assert_eq!(bytes, jsonl);
            format!("{name} {notes:?}")
        }
        Report::Unreadable { name, what } => format!("{name}: {what}"),
        other => format!("{other:?}"),
    });
    let mut has = |text: &str| {
        let next = texts.next().unwrap();
        assert!(next.starts_with(text), "{next}");
    };
    has("cut.zip: a zip archive that cannot be read");
    has("cut.jsonl.gz: gzip cannot be unpacked to its end");
    has("chat.txt");
    has("users.zip/a/users.jsonl [\"left out 2 files, by their names");
    has("pictures.zip: no files with posts in it");
    has("Plain(0)");
    has("users.jsonl []");
    has("Plain(3)");
    has("late.jsonl [\"the file is cut off; what stands before is read\"]");
    has("padded.jsonl []");
    assert_eq!(texts.next(), None);
}

#[test]
fn compressed_files_in_archives_were_left_out_without_a_word() {
    let comments = r#"{"id": "a", "author": "ann", "body": "tea", "subreddit": "s"}"#;
    let comments = gzip(comments.as_bytes());
    let zstd: &[u8] = b"\x28\xb5\x2f\xfd\0\0";
    let files: &[(&str, &[u8])] = &[("RC_1.gz", &comments), ("RC_2.zst", zstd)];
    let only = &files[1..];
    let users: &[(&str, &[u8])] = &[("a.csv", b"text\nhi\n"), ("b.csv.xz", b"\xFD7zXZ\0\0")];
    for pack in [zip_of, tar_of, |files: &[(&str, &[u8])]| {
        gzip(&tar_of(files))
    }] {
        let texts: Vec<String> = [files, only, users]
            .iter()
            .flat_map(|files| found(&[("all", &pack(files))]))
            .map(|(report, _)| match report {
                Report::Users(extract) => format!("{:?}", extract.notes),
                Report::Unpacked { name, .. } => name,
                Report::Unreadable { name, what } => format!("{name}: {what}"),
                other => format!("{other:?}"),
            })
            .collect();
        let unread = |name: &str, packing: &str| {
            format!(
                "all/{name}: compressed with {packing}, which the page does not read; unpack it first, or use the command line"
            )
        };
        let expected = [
            unread("RC_2.zst", "zstd"),
            "[\"read as reddit\", \"1 other file not read as posts: RC_2.zst\"]".to_owned(),
            unread("RC_2.zst", "zstd"),
            "all/a.csv".to_owned(),
            unread("b.csv.xz", "xz"),
        ];
        assert_eq!(texts, expected);
    }
}

#[test]
fn tables_in_older_encodings_were_refused() {
    let gb18030 = b"id,text\n1,\xbd\xf1\xcc\xec\xbc\xd3\xb0\xe0\n";
    let latin: &[u8] = b"text\nUn caf\xe9 cr\xe8me et un th\xe9\n";
    let packed = zip_of(&[("a.csv", gb18030), ("b.csv", b"text\nplain\n")]);
    let found = found(&[
        ("a.csv", gb18030),
        ("a.csv.gz", &gzip(gb18030)),
        ("a.zip", &packed),
        ("latin.txt", latin),
        (
            "picture.txt",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xfe\xe9\xe8",
        ),
        ("wide.txt", b"\xff\xfea\0\n\0"),
    ]);
    let seen: Vec<_> = found
        .iter()
        .map(|(report, bytes)| match report {
            Report::Unpacked { name, notes } => {
                let text = str::from_utf8(bytes).unwrap();
                format!("{name} {notes:?} {text}")
            }
            other => format!("{other:?}"),
        })
        .collect();
    let chinese = "[\"read as GB18030\"] id,text\n1,今天加班\n";
    assert_eq!(
        seen,
        [
            format!("a.zip/a.csv {chinese}"),
            "a.zip/b.csv [] text\nplain\n".to_owned(),
            format!("a.csv {chinese}"),
            format!("a.csv {chinese}"),
            "latin.txt [\"read as windows-1252\"] text\nUn café crème et un thé\n".to_owned(),
            "Plain(4)".to_owned(),
            "Plain(5)".to_owned(),
        ]
    );
}

#[test]
fn what_stands_before_a_cut_is_read_whatever_its_encoding_is() {
    let rows: String = (0..20_000)
        .map(|row| format!("{row},post {}\n", row * 7919 % 10_007))
        .collect();
    let text = [b"id,text\n0,caf\xe9 cr\xe8me\n", rows.as_bytes()].concat();
    let packed = gzip(&text);
    let found = found(&[("a.csv.gz", &packed[..packed.len() / 2])]);
    let [(Report::Unpacked { notes, .. }, content)] = &found[..] else {
        panic!("{found:?}");
    };
    assert!(content.len() > packed.len() / 2 && content.len() < text.len());
    let notes = notes.join(" ");
    assert!(
        notes.contains("windows-1252") && notes.contains("cut off"),
        "{notes}"
    );
}

#[test]
fn words_are_counted_without_a_dictionary() {
    for (text, count) in [
        ("", 0),
        ("It's 5 o'clock – 'twas fun!", 5),
        ("我喜欢Rust语言", 6),
        ("…", 0),
    ] {
        assert_eq!(words(text), count, "{text}");
    }
}
