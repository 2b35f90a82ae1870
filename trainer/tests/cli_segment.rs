//! `auxlstm segment` as its users meet it: as a process.

mod common;

use common::{Workplace, stderr, stdout};

const DICTIONARY: &str = "今天 100 t\n天气 80 n\n很好 60 a\n";

#[test]
fn words_are_printed_a_post_a_line() {
    let workplace = Workplace::new();
    workplace.write("zh.txt", DICTIONARY);
    workplace.write(
        "posts.txt",
        "今天天氣很好!!! //@小明: 不好\nSee http://a.org\n",
    );
    let users = "{\"posts\": [\"今天\", \"Good\"]}\n{\"posts\": 1}\n";
    workplace.write("users.jsonl", users);
    let with = ["--dictionary", "zh.txt"];
    let printed = |arguments: &[&str]| {
        let output = workplace.run(&[&["segment"], arguments].concat());
        let said = stderr(&output);
        (stdout(output, 0), said)
    };
    let (words, _) = printed(&[&["posts.txt"], &with[..]].concat());
    assert_eq!(words, "今天 天气 很好 !!!\nsee <url>\n");
    let (words, _) = printed(&["posts.txt"]);
    assert_eq!(words, "今 天 天 气 很 好 !!!\nsee <url>\n");
    let (words, said) = printed(&[&["users.jsonl"], &with[..]].concat());
    assert_eq!(words, "今天\ngood\n");
    assert!(said.contains("users.jsonl:2: "), "{said}");
    assert!(said.contains("1 bad record was skipped"), "{said}");
}

#[test]
fn words_were_cut_off_without_a_word() {
    let workplace = Workplace::new();
    let long = "ab".repeat(200);
    workplace.write("posts.txt", format!("tea {long}\nrain {long}\n"));
    let output = workplace.run(&["segment", "posts.txt", "--text"]);
    assert_eq!(stderr(&output), "cut off after 256 bytes: 2 words\n");
    let cut = &long[..256];
    assert_eq!(stdout(output, 0), format!("tea {cut}\nrain {cut}\n"));
}

#[test]
fn a_user_dictionary_adds_words_to_the_dictionary() {
    let workplace = Workplace::new();
    workplace.write("zh.txt", DICTIONARY);
    workplace.write("user.txt", "天气很好 90 a\nC罩杯\n");
    workplace.write("posts.txt", "今天天气很好\n");
    let output = workplace.run(&[
        "segment",
        "posts.txt",
        "--dictionary",
        "zh.txt",
        "--user-dict",
        "user.txt",
    ]);
    let said = stderr(&output);
    assert_eq!(stdout(output, 0), "今天 天气很好\n");
    let expected = "dictionary user.txt: skipped 1 word with characters that are not Chinese";
    assert_eq!(said.lines().next(), Some(expected));

    workplace.write("frequent.txt", "今天 1500000000\n");
    workplace.write("bad.txt", "今天 3 t\n今天 often\n今天 3 t t\n");
    for (arguments, expected) in [
        (
            &["--dictionary", "zh.txt", "--user-dict", "bad.txt"][..],
            "dictionary bad.txt: line 3 of the user dictionary is \"今天 3 t t\"",
        ),
        (
            &["--dictionary", "zh.txt", "--user-dict", "frequent.txt"],
            "line 1 of the user dictionary is \"今天 1500000000\"; a line is a word and, if you like, its frequency (digits, \
             at most 1000000000)",
        ),
        (
            &["--dictionary", "zh.txt", "--user-dict", "none.txt"],
            "dictionary none.txt: ",
        ),
    ] {
        let line = workplace.failure(&[&["segment", "posts.txt"], arguments].concat());
        assert!(line.contains(expected), "{line}");
    }
    let output = workplace.run(&["segment", "posts.txt", "--user-dict", "user.txt"]);
    assert!(stderr(&output).contains("--dictionary <FILE>"));
    stdout(output, 2);
}
