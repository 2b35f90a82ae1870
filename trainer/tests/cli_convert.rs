//! `auxlstm corpus convert` as its users meet it: as a process, on a small corpus that is made up here.

mod common;

use std::fs;
use std::io::{self, Read, Write};

use common::{Workplace, stderr, stdout};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// Names and contents of the corpus's files; the first is not valid UTF-8.
const FILES: [(&str, &[u8]); 3] = [
    (
        "1001.female.16.Student.Leo.xml",
        b"<Blog>\n\n<date>14,May,2004</date>\n<post>\n\n\t \n      No exam today &nbsp;caf\xe9 & more  urlLink \n     \n</post>\n\
          \n<date>02,May,2004</date>\n<post>\n\n\t Write to Ann@Example.org or 555-0199-22,\nsee http://example.org/a?b=1.\n</post>\n\
          \n</Blog>\n",
    ),
    (
        "1002.male.27.Technology.Libra.xml",
        b"<Blog>\n<date>01,June,2004</date>\n<post> Merged it, 2 < 3 \x00</post>\n<date>02,June,2004</date>\n<post> \n </post>\n</Blog>",
    ),
    (
        "1003.female.36.indUnk.Virgo.xml",
        b"<Blog>\n<date>03,June,2004</date>\n<post>It rained all day long</post>\n</Blog>",
    ),
];

/// The same users, their rows apart from each other.
const CSV: &str = "id,gender,age,topic,sign,date,text\n\
    1001,female,16,Student,Leo,\"14,May,2004\",   No exam today &nbsp;café & more  urlLink   \n\
    1002,male,27,Technology,Libra,\"01,June,2004\",\"Merged it, 2 < 3 \"\n\
    1003,female,36,indUnk,Virgo,\"03,June,2004\",It rained all day long\n\
    1001,female,16,Student,Leo,\"02,May,2004\",\"Write to Ann@Example.org or 555-0199-22,\nsee http://example.org/a?b=1.\"\n\
    1002,male,27,Technology,Libra,\"02,June,2004\",\n";

fn workplace() -> Workplace {
    let workplace = Workplace::new();
    fs::create_dir(workplace.path("blogs")).unwrap();
    for (name, content) in FILES {
        workplace.write(&format!("blogs/{name}"), content);
    }
    workplace.write("blogtext.csv", CSV);
    workplace
}

/// Converts and returns what is written, and what is said on standard error.
fn convert(workplace: &Workplace, arguments: &[&str]) -> (Vec<Value>, String) {
    let fixed = ["corpus", "convert", "-o", "users.jsonl"];
    let output = workplace.run(&[&fixed[..], arguments].concat());
    let errors = stderr(&output);
    assert_eq!(stdout(output, 0), "");
    let text = fs::read_to_string(workplace.path("users.jsonl")).unwrap();
    let users = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (users.collect(), errors)
}

/// Users without their ids, in a fixed order.
fn sorted(mut users: Vec<Value>) -> Vec<String> {
    for user in &mut users {
        user.as_object_mut().unwrap().remove("id");
    }
    let mut lines: Vec<String> = users.iter().map(Value::to_string).collect();
    lines.sort();
    lines
}

#[test]
fn records_have_masked_posts_in_order_of_date_and_new_ids() {
    let (users, errors) = convert(&workplace(), &["blogs"]);
    let expected = [
        json!({"id": 1, "gender": "female", "age": 16, "industry": "Student", "posts": [
            "Write to <email> or <num>, see <url>.", "No exam today café & more <url>"]}),
        json!({"id": 2, "gender": "male", "age": 27, "industry": "Technology", "posts": ["Merged it, 2 < 3"]}),
        json!({"id": 3, "gender": "female", "age": 36, "posts": ["It rained all day long"]}),
    ];
    assert_eq!(users, expected);
    assert_eq!(
        errors,
        "left out: 1 post without text\n3 users with 4 posts written to users.jsonl\n"
    );
}

#[test]
fn every_shape_gives_the_same_users() {
    let workplace = workplace();
    let (users, _) = convert(&workplace, &["blogs"]);
    let expected = sorted(users);
    let csv = fs::read(workplace.path("blogtext.csv")).unwrap();
    workplace.write("table.gz", {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&csv).unwrap();
        gzip.finish().unwrap()
    });
    let files = FILES.map(|(name, _)| format!("blogs/{name}"));
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    for inputs in [
        &["blogtext.csv"][..],
        &["table.gz"],
        &["--format", "blogs-csv", "table.gz"],
        &files,
    ] {
        let (users, errors) = convert(&workplace, inputs);
        assert_eq!(sorted(users), expected, "{inputs:?}: {errors}");
        let left_out = "left out: 1 post without text\n";
        assert!(errors.contains(left_out), "{inputs:?}: {errors}");
    }
}

#[test]
fn professions_divide_the_users() {
    let workplace = workplace();
    let grouped = ["blogs", "--professions", "paper"];
    let (users, _) = convert(
        &workplace,
        &[&grouped[..], &["--with", "profession"]].concat(),
    );
    let professions: Vec<_> = users.iter().map(|user| &user["profession"]).collect();
    assert_eq!(professions, ["Student", "IT"]);
    assert_eq!(users[1]["industry"], "Technology");
    let rest = ["--without", "profession", "--max-words", "3"];
    let (users, errors) = convert(&workplace, &[&grouped[..], &rest].concat());
    let expected = json!({"id": 3, "gender": "female", "age": 36, "posts": ["It rained all"]});
    assert_eq!(users, [expected]);
    assert!(
        errors.contains("left out: 2 users by --with or --without, 1 post without text\n"),
        "{errors}"
    );
}

#[test]
fn bad_records_are_named_and_counted() {
    let workplace = workplace();
    for (name, content) in [
        (
            "1004.male.x.Law.Leo.xml",
            &b"<Blog><post>a</post></Blog>"[..],
        ),
        (
            "1005.male.24.Law.Leo.xml",
            &b"<Blog>\n<date>1,May,2004</date>\n<post>cut off"[..],
        ),
        ("1006.male.24.Law.Leo.xml", &b"\xff\xfe\x00"[..]),
        ("1007.male.24.Law.Leo.xml", &b"<post>\n</post>"[..]),
        ("truth.xml", &b""[..]),
        ("readme.txt", &b""[..]),
    ] {
        workplace.write(&format!("blogs/{name}"), content);
    }
    let (users, errors) = convert(&workplace, &["blogs"]);
    assert_eq!(users.len(), 3);
    for line in [
        "blogs/1004.male.x.Law.Leo.xml: age is \"x\", not a whole number of years\n",
        "blogs/1005.male.24.Law.Leo.xml: <post> of line 3 has no end; is the file cut off?\n",
        "blogs/1006.male.24.Law.Leo.xml: no <post> in it\n",
        "blogs/truth.xml: the name is not ID.gender.age.Industry.Sign.xml\n",
        "left out: 1 user without text, 2 posts without text, 4 bad records\n",
    ] {
        assert!(errors.contains(line), "{line}{errors}");
    }
    let bad = b"1004,male,24,Law,Leo,\"1,May,2004\",caf\xe9\n1005,male,24\n,male,24,Law,Leo,,a\n1006,no,24,Law,Leo,,a\n";
    workplace.write("blogtext.csv", [CSV.as_bytes(), bad].concat());
    let (users, errors) = convert(&workplace, &["blogtext.csv"]);
    assert_eq!(users.len(), 4);
    for line in [
        "blogtext.csv:9: 3 cells where the header has 7\n",
        "blogtext.csv:10: no id\n",
        "blogtext.csv:11: user 1006: gender is \"no\", not female or male\n",
        "left out: 1 post without text, 3 bad records\n",
    ] {
        assert!(errors.contains(line), "{line}{errors}");
    }
}

#[test]
fn compressed_output_is_read_by_the_other_commands() {
    let workplace = workplace();
    let stats = |name: &str| workplace.success(&["corpus", "stats", name, "--json"]);
    convert(&workplace, &["blogs"]);
    let expected = stats("users.jsonl");
    assert!(expected.contains("\"users\": 3"), "{expected}");
    for (name, signature) in [
        ("u.jsonl.xz", &b"\xfd7zXZ"[..]),
        ("u.jsonl.gz", &b"\x1f\x8b"[..]),
        ("u.jsonl.zst", &b"\x28\xb5\x2f\xfd"[..]),
    ] {
        workplace.success(&["corpus", "convert", "blogs", "-o", name]);
        let mut head = vec![0; signature.len()];
        let mut file = fs::File::open(workplace.path(name)).unwrap();
        file.read_exact(&mut head).unwrap();
        assert_eq!(head, signature, "{name}");
        assert_eq!(stats(name), expected, "{name}");
    }
}

#[test]
fn endings_in_capitals_were_not_compressed() {
    let workplace = workplace();
    workplace.success(&["corpus", "convert", "blogs", "-o", "USERS.JSONL.GZ"]);
    let packed = fs::read(workplace.path("USERS.JSONL.GZ")).unwrap();
    assert!(packed.starts_with(b"\x1f\x8b"));
    let stats = workplace.success(&["corpus", "stats", "USERS.JSONL.GZ", "--json"]);
    assert!(stats.contains("\"users\": 3"), "{stats}");
}

#[test]
fn a_hyphen_became_the_name_of_a_file() {
    let workplace = workplace();
    let line = workplace.failure(&["corpus", "convert", "blogs", "-o", "-"]);
    assert!(
        line.contains("cannot write -: standard output is called /dev/stdout here"),
        "{line}"
    );
    assert!(!workplace.path("-").exists());
    let (users, _) = convert(&workplace, &["blogs"]);
    let piped = workplace.run(&["corpus", "convert", "blogs", "-o", "/dev/stdout"]);
    assert_eq!(stdout(piped, 0).lines().count(), users.len());
}

#[test]
fn files_given_twice_doubled_their_users() {
    let workplace = workplace();
    let file = format!("blogs/{}", FILES[2].0);
    let file = file.as_str();
    for inputs in [
        ["blogs", "./blogs/"],
        ["blogs", file],
        [file, "blogs"],
        ["blogtext.csv", "blogs/../blogtext.csv"],
    ] {
        let fixed = ["corpus", "convert", "-o", "users.jsonl"];
        let line = workplace.failure(&[&fixed[..], &inputs].concat());
        assert!(line.ends_with(": given twice"), "{inputs:?}: {line}");
    }
    let (users, _) = convert(&workplace, &["blogs", "blogtext.csv"]);
    assert_eq!(users.len(), 6);
}

#[cfg(unix)]
#[test]
fn a_pipe_in_a_folder_blocked_and_subfolders_were_not_read() {
    let workplace = workplace();
    fs::create_dir(workplace.path("blogs/more")).unwrap();
    let name = "1008.female.36.indUnk.Virgo.xml";
    workplace.write(&format!("blogs/more/{name}"), FILES[2].1);
    std::os::unix::fs::symlink(workplace.path("blogs"), workplace.path("blogs/circle")).unwrap();
    let pipe = "blogs/1004.male.27.Technology.Libra.xml";
    let made = std::process::Command::new("mkfifo")
        .arg(workplace.path(pipe))
        .status();
    assert!(made.unwrap().success());
    let (users, errors) = convert(&workplace, &["blogs"]);
    assert_eq!(users.len(), 4);
    let skipped = "blogs: skipped 1 link to a folder and 1 special file (pipe or device)\n";
    assert!(errors.contains(skipped), "{errors}");
}

#[test]
fn a_misspelt_label_left_nobody_out_in_silence() {
    let workplace = workplace();
    let arguments = ["blogs", "-o", "users.jsonl", "--without", "shoes"];
    let said = stderr(&workplace.run(&[&["corpus", "convert"][..], &arguments].concat()));
    assert!(
        said.contains("--without shoes: no user has this label"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_converted_is_one_clear_line_and_writes_nothing() {
    let workplace = workplace();
    fs::create_dir(workplace.path("empty")).unwrap();
    workplace.write("notes.txt", "id,text\n1,hello\n");
    workplace.write("table.csv", "a,b\n1,2\n");
    workplace.write("bad.zip", b"PK\x03\x04 and nothing else");
    let before = workplace.files();
    for (arguments, what) in [
        (&["missing"][..], "missing: No such file"),
        (
            &["blogs", "empty"][..],
            "empty: no files with posts in it (.jsonl, .json, .csv, .tsv, .txt, .parquet, .arrow), and no known format",
        ),
        (
            &["table.csv"][..],
            "table.csv: neither JSON nor a table with a column of text in its first line; its columns are: a, b",
        ),
        (
            &["bad.zip"][..],
            "bad.zip: a zip archive that cannot be read: ",
        ),
        (
            &["notes.txt", "--format", "blogs-csv"][..],
            "notes.txt: expected the Blog Authorship Corpus as Kaggle's blogtext.csv",
        ),
        (
            &["empty", "--format", "blogs-xml"][..],
            "empty: expected the Blog Authorship Corpus: a folder",
        ),
        (
            &["blogs", "--with", "shoes"][..],
            "no user is left to write",
        ),
        (
            &["blogs", "-o", "users.csv.gz"][..],
            "users.csv.gz: convert writes JSON lines; choose a name that ends in .jsonl",
        ),
    ] {
        let output = match arguments.contains(&"-o") {
            true => &[][..],
            false => &["-o", "users.jsonl"],
        };
        let line = workplace.failure(&[&["corpus", "convert"], output, arguments].concat());
        assert!(line.contains(what), "{arguments:?}: {line}");
        assert_eq!(workplace.files(), before, "{arguments:?}");
    }
    let output = workplace.run(&["corpus", "convert", "blogs", "-o", "u", "--format", "no"]);
    assert!(stderr(&output).contains("blogs-csv"));
    stdout(output, 2);
}

/// A post of the Twitter API 2.
fn tweet(id: u32, author: u32, text: &str) -> String {
    let created = format!("2024-01-{:02}T10:00:00.000Z", 30 - id);
    let post = json!({"id": id.to_string(), "author_id": author.to_string(), "text": text, "created_at": created});
    format!("{post}\n")
}

/// `data/tweets.js` of an archive.
const ARCHIVE: &str = r#"window.YTD.tweets.part0 = [
  {"tweet": {"id_str": "2", "created_at": "Tue Nov 01 10:00:00 +0000 2022", "full_text": "tea &gt; coffee"}},
  {"tweet": {"id_str": "1", "created_at": "Mon Oct 31 10:00:00 +0000 2022", "full_text": "RT @ann: hello"}}
]"#;

/// `outbox.json` of an archive.
const OUTBOX: &str = r#"{"@context": "https://www.w3.org/ns/activitystreams", "orderedItems": [
  {"id": "1", "type": "Create", "actor": "me", "object": {"content": "<p>rain &amp; wind</p>"}},
  {"id": "2", "type": "Announce", "actor": "me", "object": "https://example.org/1"}]}"#;

#[test]
fn posts_of_several_files_are_grouped_by_writer() {
    let workplace = Workplace::new();
    workplace.write(
        "a.jsonl",
        tweet(1, 7, "third") + &tweet(2, 8, "RT @ann: hello"),
    );
    workplace.write(
        "b.jsonl",
        tweet(3, 7, "first") + &tweet(1, 7, "third") + &tweet(2, 7, "second"),
    );
    workplace.write(
        "chat.txt",
        "1/4/23, 7:02 PM - Ann: hello\n1/4/23, 7:03 PM - Ben: <Media omitted>\n",
    );
    let inputs = ["a.jsonl", "chat.txt", "b.jsonl"];
    let (users, errors) = convert(&workplace, &inputs);
    let expected = [
        json!({"id": 1, "posts": ["first", "second", "third"]}),
        json!({"id": 2, "posts": ["hello"]}),
    ];
    assert_eq!(users, expected);
    let left_out = "left out: 1 repost, 1 post without text, 1 duplicate\n";
    assert!(errors.contains(left_out), "{errors}");
    let (users, _) = convert(
        &workplace,
        &[&inputs[..], &["--reposts", "--keep-ids"]].concat(),
    );
    let expected = [
        json!({"id": "7", "posts": ["first", "second", "third"]}),
        json!({"id": "8", "posts": ["RT @ann: hello"]}),
        json!({"id": "Ann", "posts": ["hello"]}),
    ];
    assert_eq!(users, expected);
}

#[test]
fn archives_of_accounts_are_read_whole() {
    let workplace = Workplace::new();
    workplace.write("twitter.zip", {
        let mut archive = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated);
        for (name, content) in [
            ("data/tweets.js", ARCHIVE),
            ("data/like.js", "window.YTD.like.part0 = [ ]"),
        ] {
            archive.start_file(name, options).unwrap();
            archive.write_all(content.as_bytes()).unwrap();
        }
        archive.finish().unwrap().into_inner()
    });
    workplace.write("archive.tar.gz", {
        let gzip = GzEncoder::new(Vec::new(), Compression::default());
        let mut archive = tar::Builder::new(gzip);
        for (name, content) in [("media/1.png", "\u{1}"), ("outbox.json", OUTBOX)] {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            archive
                .append_data(&mut header, name, content.as_bytes())
                .unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    });
    let (users, errors) = convert(&workplace, &["twitter.zip", "archive.tar.gz"]);
    let posts: Vec<_> = users.iter().map(|user| &user["posts"]).collect();
    assert_eq!(posts, [&json!(["tea > coffee"]), &json!(["rain & wind"])]);
    assert!(errors.contains("left out: 2 reposts\n"), "{errors}");
    let zip = fs::read(workplace.path("twitter.zip")).unwrap();
    workplace.write("cut.zip", &zip[..zip.len() / 2]);
    let line = workplace.failure(&["corpus", "convert", "cut.zip", "-o", "users.jsonl"]);
    assert!(
        line.contains("cut.zip: a zip archive that cannot be read: "),
        "{line}"
    );
}

#[test]
fn labels_are_taken_along_and_cut_off_files_are_named() {
    let workplace = Workplace::new();
    fs::create_dir(workplace.path("pan")).unwrap();
    let xml = "<author lang=\"en\"><document><![CDATA[one]]></document></author>";
    workplace.write("pan/a.xml", xml);
    workplace.write("pan/b.xml", &xml[..xml.len() - 9]);
    workplace.write("pan/truth.txt", "a:::F:::18-24\nb:::M:::50-XX");
    let (users, errors) = convert(&workplace, &["pan"]);
    let expected = [
        json!({"id": 1, "gender": "female", "age": "18-24", "lang": "en", "posts": ["one"]}),
        json!({"id": 2, "gender": "male", "age": "50-XX", "lang": "en", "posts": ["one"]}),
    ];
    assert_eq!(users, expected);
    let line = "pan/b.xml: no </author> in it; is it cut off?\n";
    assert!(errors.contains(line), "{errors}");
}

#[test]
fn the_help_lists_all_formats() {
    let help = Workplace::new().success(&["corpus", "convert", "--help"]);
    for name in ["blogs-xml", "twitter-archive", "whatsapp", "pan", "sogou"] {
        assert!(help.contains(&format!("- {name}:")), "{name}: {help}");
    }
}
