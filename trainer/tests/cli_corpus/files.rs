//! Formats, compression, encodings and archives.

use super::*;

#[test]
fn every_format_and_packing_gives_the_same_counts() {
    let workplace = Workplace::new();
    workplace.write("users.jsonl", JSONL);
    let plain = workplace.success(&["corpus", "stats", "users.jsonl", "--json"]);
    let counts = json(&plain);
    assert_eq!(counts["users"], 3);
    assert_eq!(counts["posts"], 4);
    assert!(counts["words"].as_u64() >= Some(8));
    assert_eq!(counts["bad_records"], 0);
    assert_eq!(counts["attributes"]["gender"]["classes"]["female"], 2);
    assert_eq!(counts["attributes"]["age"]["unknown"], 1);
    assert_eq!(counts["attributes"].get("profession"), None);
    // The names of the packed files do not say that they are packed, nor do those of unknown ending say how.
    for (name, text) in [
        ("u.jsonl", JSONL),
        ("u.csv", CSV),
        ("u.unknown", JSONL),
        ("v.unknown", CSV),
    ] {
        workplace.write(name, text);
        assert_eq!(
            workplace.success(&["corpus", "stats", name, "--json"]),
            plain,
            "{name}"
        );
        for bytes in packed(text) {
            workplace.write(name, &bytes);
            assert_eq!(
                workplace.success(&["corpus", "stats", name, "--json"]),
                plain,
                "{name}"
            );
            let piped = workplace.run_with_input(&["corpus", "stats", "-", "--json"], &bytes);
            assert_eq!(stdout(piped, 0), plain);
        }
    }
}

#[test]
fn an_open_quote_swallowed_the_rest_of_the_file() {
    let workplace = Workplace::new();
    workplace.write(
        "users.csv",
        format!("{CSV}d,male,30,\"Late\ne,male,31,Early\n"),
    );
    let message = "users.csv: the row at line 6: the quote opened in line 6 is never closed";
    for arguments in [
        &["corpus", "stats", "users.csv"][..],
        &["corpus", "stats", "users.csv", "--strict"],
        &["segment", "users.csv"],
    ] {
        let line = workplace.failure(arguments);
        assert!(line.ends_with(message), "{line}");
    }
    let next = format!("{CSV}d,male,30,\"Late\ne,male,31,\"Early\"\n");
    workplace.write("users.csv", next);
    let errors = stderr(&workplace.run(&["corpus", "stats", "users.csv"]));
    assert!(
        errors.contains(
            "users.csv:6: text follows the closing quote of the cell that begins in line 6"
        ),
        "{errors}"
    );
    workplace.failure(&["corpus", "stats", "users.csv", "--strict"]);
}

#[test]
fn what_is_no_corpus_is_one_clear_line() {
    let workplace = Workplace::new();
    workplace.write("users.jsonl", JSONL);
    workplace.write("table.csv", "id,words\n1,a\n");
    workplace.write("noise", [0u8, 159, 146, 150]);
    std::fs::create_dir(workplace.path("pictures")).unwrap();
    workplace.write("pictures/one.png", "no");
    for (path, what) in [
        ("missing.jsonl", "missing.jsonl: No such file"),
        ("pictures", "pictures: no files with posts in it"),
        (
            "table.csv",
            "table.csv: neither JSON nor a table with a column of text in its first line; its columns are: id, words; --text NAME",
        ),
        ("noise", "noise: "),
    ] {
        // A good file before it changes nothing.
        let line = workplace.failure(&["corpus", "stats", "users.jsonl", path]);
        assert!(line.contains(what), "{path}: {line}");
    }
    let noise = workplace.run_with_input(&["corpus", "stats", "-"], "hello there\n");
    assert!(failure(noise).contains("standard input: neither"));
}

#[test]
fn a_compressed_file_that_is_cut_off_lost_everything() {
    let workplace = Workplace::new();
    // Text that no compression makes much shorter, so that much of it stands before the cut.
    let text = |id: u64| {
        let words = id * 100..id * 100 + 20;
        let words = words.map(|word| word.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_string());
        words.collect::<Vec<_>>().join(" ")
    };
    let post = |id| format!("{{\"user_id\": {id}, \"text\": \"{}\"}}\n", text(id));
    let comment = |id| {
        format!(
            "{{\"author\": \"a{id}\", \"subreddit\": \"r\", \"body\": \"{}\"}}\n",
            text(id)
        )
    };
    std::fs::create_dir(workplace.path("folder")).unwrap();
    for (text, ending) in [
        ((0..500).map(post).collect::<String>(), "jsonl"),
        ((0..500).map(comment).collect(), "json"),
        // So short that the first look meets the cut.
        ((0..9).map(post).collect(), "ndjson"),
    ] {
        for (mut bytes, packing) in packed(&text).into_iter().zip(["xz", "gz", "zst"]) {
            bytes.truncate(bytes.len() - bytes.len() / 4);
            let name = format!("folder/cut.{ending}.{packing}");
            workplace.write(&name, &bytes);
            let whole = text.lines().count() as u64;
            for input in [name.as_str(), "folder"] {
                let output = workplace.run(&["corpus", "stats", input, "--json"]);
                let said = stderr(&output);
                assert!(
                    said.contains("the file is cut off"),
                    "{input} {name}: {said}"
                );
                let counts = json(&stdout(output, 0));
                let posts = counts["posts"].as_u64().unwrap();
                // xz and zstd decompress in blocks.
                let least = if packing == "gz" { whole / 2 } else { 0 };
                assert!(
                    (least..whole).contains(&posts),
                    "{name}: {posts} of {whole}"
                );
            }
            let line = workplace.failure(&["corpus", "stats", &name, "--strict"]);
            assert!(line.contains("the file is cut off"), "{line}");
            std::fs::remove_file(workplace.path(&name)).unwrap();
        }
    }
}

#[test]
fn older_encodings_are_read_and_told() {
    let workplace = Workplace::new();
    let text = "用户id,正文\n1,今天天气很好，我们去爬山吧\n1,明天上班，早点睡觉\n";
    let bytes = encoding_rs::GB18030.encode(text).0;
    workplace.write("posts.csv", &bytes);
    let stats = ["corpus", "stats", "posts.csv", "--json"];
    let output = workplace.run(&stats);
    assert_eq!(
        stderr(&output),
        "posts.csv: read as GB18030; --encoding NAME states another one, such as euc-kr or euc-jp\n"
    );
    let expected = stdout(output, 0);
    assert_eq!(json(&expected)["posts"], 2);
    let stated = workplace.run(&[&stats[..], &["--encoding", "gbk"]].concat());
    assert_eq!(
        (stderr(&stated), stdout(stated, 0)),
        (String::new(), expected.clone())
    );
    let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    workplace.write("posts.csv", utf_16);
    assert_eq!(workplace.success(&stats), expected);
    let wrong = workplace.run(&[&stats[..], &["--encoding", "klingon"]].concat());
    assert!(
        stderr(&wrong).contains("known are utf-8"),
        "{}",
        stderr(&wrong)
    );
}

/// A zip archive of these files.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn archives_are_the_users_of_their_files() {
    let workplace = Workplace::new();
    let gzipped = &packed(CSV)[1];
    let files = [
        ("data/a.jsonl", JSONL.as_bytes()),
        ("data/b.csv.gz", gzipped.as_slice()),
        ("picture.png", b"no"),
        ("__MACOSX/a.csv", b"no"),
        ("other.csv", b"a,b\n1,2\n"),
    ];
    workplace.write("users.zip", zip(&files));
    let tar = tar(&files);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&tar).unwrap();
    workplace.write("users.tar.gz", gzip.finish().unwrap());
    for name in ["users.zip", "users.tar.gz"] {
        let output = workplace.run(&["corpus", "stats", name, "--json"]);
        let said = stderr(&output);
        assert!(
            said.contains("left out 1 file, by its name neither"),
            "{said}"
        );
        assert!(
            said.contains("other.csv in it is left out: neither JSON nor a table"),
            "{said}"
        );
        let counts = json(&stdout(output, 0));
        assert_eq!(
            (&counts["users"], &counts["posts"]),
            (&6.into(), &8.into()),
            "{name}"
        );
    }
    workplace.write("users.zip", zip(&[("a.csv", b"id,text\n1,a\n2,b,c\n")]));
    let line = workplace.failure(&["corpus", "stats", "users.zip", "--strict"]);
    assert!(
        line.contains("users.zip:3: in a.csv: 3 cells where the header has 2;"),
        "{line}"
    );
    workplace.write("users.zip", zip(&[("a.md", b"")]));
    let line = workplace.failure(&["corpus", "stats", "users.zip"]);
    assert!(line.contains("no files with posts in it"), "{line}");
}

/// A tar archive of these files.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, name, *content).unwrap();
    }
    tar.into_inner().unwrap()
}

#[test]
fn compressed_dumps_in_archives_were_of_no_format() {
    let workplace = Workplace::new();
    let comments = r#"{"id": "a", "author": "ann", "body": "tea", "subreddit": "s"}"#;
    let endings = ["xz", "gz", "zst"];
    for (packed, ending) in packed(comments).iter().zip(endings) {
        let name = format!("reddit/RC_2020-01.{ending}");
        workplace.write("dump.tar", tar(&[(&name, packed)]));
        workplace.write("dump.zip", zip(&[(&name, packed)]));
        for dump in ["dump.tar", "dump.zip"] {
            let output = workplace.run(&["corpus", "stats", dump, "--json"]);
            assert!(stderr(&output).contains("read as reddit"), "{ending}");
            assert_eq!(json(&stdout(output, 0))["users"], 1);
        }
    }
}

#[test]
fn compressed_files_without_another_ending_were_left_out_of_archives() {
    let workplace = Workplace::new();
    let [_, gzip, zstd] = &packed(JSONL)[..] else {
        panic!("xz, gzip and zstd");
    };
    let files: [(&str, &[u8]); 3] = [
        ("a.gz", gzip),
        ("b.zst", zstd),
        ("c.jsonl.bz2", b"BZh91AY&SY"),
    ];
    workplace.write("users.tar", tar(&files));
    let output = workplace.run(&["corpus", "stats", "users.tar", "--json"]);
    let said = stderr(&output);
    let note = "c.jsonl.bz2 in it is left out: it is compressed with bzip2 (unpack it first)";
    assert!(said.contains(note), "{said}");
    // Each file has users of its own.
    workplace.write("a.jsonl", JSONL);
    let one = json(&workplace.success(&["corpus", "stats", "a.jsonl", "--json"]));
    let both = json(&stdout(output, 0));
    let twice = 2 * one["users"].as_u64().unwrap();
    assert_eq!(both["users"], twice);
}

#[test]
fn a_long_window_in_a_folder_was_refused_with_long() {
    let workplace = Workplace::new();
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(28).unwrap();
    encoder.include_contentsize(false).unwrap();
    encoder.write_all(b"user,text\n1,tea\n").unwrap();
    let packed = encoder.finish().unwrap();
    std::fs::create_dir(workplace.path("folder")).unwrap();
    workplace.write("folder/a.csv.zst", packed.clone());
    workplace.write("users.tar", tar(&[("a.csv.zst", &packed)]));
    for name in ["folder", "users.tar"] {
        let line = workplace.failure(&["corpus", "stats", name]);
        assert!(line.contains("--long reads windows"), "{line}");
        assert!(line.contains("a.csv.zst"), "{line}");
        let output = workplace.run(&["corpus", "stats", name, "--json", "--long"]);
        assert_eq!(json(&stdout(output, 0))["users"], 1, "{name}");
    }
}

#[test]
fn a_writer_in_two_files_was_two_users_without_a_word() {
    let workplace = Workplace::new();
    std::fs::create_dir(workplace.path("daily")).unwrap();
    let (monday, tuesday) = (
        "user_id,text\n7,tea\n8,rain\n",
        "user_id,text\n7,late\n9,a\n",
    );
    workplace.write("daily/1.csv", monday);
    workplace.write("daily/2.csv", tuesday);
    workplace.write(
        "daily.zip",
        zip(&[("1.csv", monday.as_bytes()), ("2.csv", tuesday.as_bytes())]),
    );
    let note = "1 user with posts in more than one file, who count once for each file; put the posts into one file";
    let files = ["daily/1.csv", "daily/2.csv"];
    for inputs in [&["daily"][..], &["daily.zip"], &files] {
        for command in [
            &["corpus", "stats"][..],
            &["corpus", "convert", "-o", "users.jsonl"],
        ] {
            let said = stderr(&workplace.run(&[command, inputs].concat()));
            assert_eq!(said.matches(note).count(), 1, "{inputs:?}: {said}");
        }
    }
    // The remedy, and files that number their users alike.
    workplace.write("one.csv", [monday, tuesday].concat());
    for (name, post) in [("a.jsonl", "tea"), ("b.jsonl", "rain")] {
        workplace.write(name, format!("{{\"id\": 1, \"posts\": [\"{post}\"]}}\n"));
    }
    for (inputs, users) in [(&["one.csv"][..], 3), (&["a.jsonl", "b.jsonl"], 2)] {
        let output = workplace.run(&[&["corpus", "stats", "--json"], inputs].concat());
        assert_eq!(stderr(&output), "");
        assert_eq!(json(&stdout(output, 0))["users"], users);
    }
}

#[test]
fn a_table_beside_a_chat_was_left_out_without_its_name() {
    let workplace = Workplace::new();
    let chat = b"1/4/23, 7:02 PM - Ann: hello\n1/4/23, 7:03 PM - Ben: tea\n";
    let others =
        ["users.csv", "v.csv", "w.csv", "x.csv"].map(|name| (name, &b"id,text\n7,a\n"[..]));
    let files = [&[("_chat.txt", &chat[..])], &others[..]].concat();
    workplace.write("all.zip", zip(&files));
    for command in [
        &["corpus", "stats", "all.zip"][..],
        &["corpus", "convert", "all.zip", "-o", "users.jsonl"],
    ] {
        let said = stderr(&workplace.run(command));
        let note = "all.zip: 4 other files not read as posts: users.csv, v.csv, w.csv, …\n";
        assert!(said.contains(note), "{said}");
    }
}

#[test]
fn other_files_are_named_for_what_they_are() {
    let workplace = Workplace::new();
    workplace.write(
        "book.xlsx",
        zip(&[
            ("[Content_Types].xml", b"<a/>"),
            ("xl/workbook.xml", b"<a/>"),
        ]),
    );
    workplace.write("users.db", b"SQLite format 3\0");
    workplace.write("users.csv", b"<!DOCTYPE html><p>");
    workplace.write(
        "model",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
    );
    workplace.write("empty", b"");
    for (arguments, what) in [
        (
            &["corpus", "stats", "book.xlsx"][..],
            "book.xlsx: it is an Excel workbook (save it as CSV)",
        ),
        (
            &["corpus", "stats", "users.db"],
            "users.db: it is an SQLite database",
        ),
        (
            &["corpus", "stats", "users.csv"],
            "users.csv: it is an HTML page",
        ),
        (
            &["predict", "model", "users.csv"],
            "model: the file is not an auxlstm bundle: it is a Git LFS pointer",
        ),
        (
            &["predict", "empty", "users.csv"],
            "empty: the file is cut off or incomplete: it is empty",
        ),
    ] {
        let line = workplace.failure(arguments);
        assert!(line.contains(what), "{line}");
    }
}
