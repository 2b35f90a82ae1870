use std::error::Error;
use std::ops::ControlFlow;

use model_core::prediction::{AttributePrediction, CoarsePrediction, Named};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const ONE: ChunkSize = ChunkSize {
    users: 1,
    characters: usize::MAX,
};
const ALL: ChunkSize = ChunkSize {
    users: usize::MAX,
    characters: usize::MAX,
};

/// A made-up prediction that depends on the posts.
fn predict(posts: &[String]) -> UserPrediction {
    let characters = posts.concat().chars().count();
    let label = |label: &str| (characters > 0).then(|| label.to_owned());
    let share = 1.0 / (characters as f32 + 1.3);
    let named = |names: [&str; 2]| {
        Named(vec![
            (names[0].into(), share),
            (names[1].into(), 1.0 - share),
        ])
    };
    let age = AttributePrediction {
        label: label("33+"),
        confident: true,
        transferred: false,
        probabilities: named(["13", "33+"]),
        coarse: Some(CoarsePrediction {
            label: label("grown"),
            confident: true,
            probabilities: named(["young", "grown"]),
        }),
    };
    let job = AttributePrediction {
        label: label("+1"),
        confident: true,
        transferred: false,
        probabilities: named(["IT, and so on", "+1"]),
        coarse: None,
    };
    UserPrediction {
        words: characters,
        known_words: posts.len(),
        language: None,
        predictions: Named(vec![("age".into(), age), ("job".into(), job)]),
    }
}

fn predict_all(chunk: &[Vec<String>]) -> Vec<UserPrediction> {
    chunk.iter().map(|posts| predict(posts)).collect()
}

fn batch(name: &str, bytes: impl Into<Vec<u8>>) -> Batch {
    Batch::new(vec![GivenFile::new(name, bytes)])
}

/// Predicts the chunk that is next, and says how many users it has.
fn step(batch: &mut Batch, size: ChunkSize) -> Option<usize> {
    let predictions = predict_all(batch.next_chunk(size)?);
    let users = predictions.len();
    assert_eq!(*batch.state(), State::Running);
    batch.answer(predictions);
    Some(users)
}

/// The batch after its end, with chunks of this size.
fn run(name: &str, bytes: impl Into<Vec<u8>>, size: ChunkSize) -> Batch {
    let mut batch = batch(name, bytes);
    while step(&mut batch, size).is_some() {}
    batch
}

/// The batch over several files after its end, with chunks of this size.
fn run_all(files: &[(&str, &str)], size: ChunkSize) -> Batch {
    let files = files
        .iter()
        .map(|(name, text)| GivenFile::new(*name, *text));
    let mut batch = Batch::new(files.collect());
    while step(&mut batch, size).is_some() {}
    batch
}

impl Batch {
    fn to_csv(&self) -> Result<String, Box<dyn Error>> {
        self.export(Export::Csv, 0..self.lines.len())
    }

    fn to_jsonl(&self) -> Result<String, Box<dyn Error>> {
        self.export(Export::Jsonl, 0..self.lines.len())
    }
}

fn ids(batch: &Batch) -> Vec<Value> {
    batch.lines().iter().map(|line| line.id.clone()).collect()
}

#[test]
fn chunks_are_bounded_by_users_and_by_characters() {
    let mut batch = batch("posts.txt", "one\ntwo\nthree\nfour\n\u{96e8}\u{96e8}\nsix");
    for (users, characters, expected) in [
        (2, 99, vec!["one", "two"]),
        (9, 6, vec!["three", "four"]),
        (9, 2, vec!["\u{96e8}\u{96e8}"]),
        (0, 0, vec!["six"]),
    ] {
        let size = ChunkSize { users, characters };
        let expected: Vec<_> = expected.iter().map(|post| vec![post.to_string()]).collect();
        assert_eq!(batch.next_chunk(size), Some(&expected[..]));
        assert_eq!(
            batch.next_chunk(ALL),
            Some(&expected[..]),
            "until it is predicted"
        );
        batch.answer(predict_all(&expected));
    }
    assert_eq!(batch.next_chunk(ALL), None);
    assert_eq!(*batch.state(), State::Finished);
    assert_eq!(batch.lines().len(), 6);
}

#[test]
fn no_more_is_read_than_the_chunks_hold() {
    let line = format!(
        "{}\n",
        json!({ "posts": ["rain"], "more": "x".repeat(400_000) })
    );
    let mut batch = batch("users.jsonl", line.repeat(7));
    assert_eq!((batch.bytes_read(), batch.bytes()), (0, 7 * line.len()));
    let mut users = Vec::new();
    while let Some(count) = step(&mut batch, ALL) {
        users.push(count);
        // The line end after a record is read with the next one.
        let lines = batch.bytes_read().div_ceil(line.len());
        assert_eq!(lines, users.iter().sum::<usize>());
    }
    assert_eq!(users, [3, 3, 1]);
}

#[test]
fn other_base_rates_begin_a_new_run() {
    let mut batch = run("posts.txt", "one\ntwo\nthree\n", ONE);
    let before = batch.to_jsonl().unwrap();
    batch.begin_again(BaseRates::Corpus);
    assert_eq!(*batch.base_rates(), BaseRates::Corpus);
    assert_eq!(*batch.state(), State::Running);
    assert_eq!((batch.lines().len(), batch.bytes_read()), (0, 0));
    // In the middle of a chunk, too: its predictions come too late.
    assert_eq!(step(&mut batch, ONE), Some(1));
    batch.next_chunk(ONE).unwrap();
    batch.begin_again(BaseRates::Equal);
    batch.answer(vec![predict(&["late".into()])]);
    assert!(batch.lines().is_empty());
    while step(&mut batch, ALL).is_some() {}
    assert_eq!(batch.to_jsonl().unwrap(), before);
}

#[test]
fn a_file_that_cannot_be_read_stays_unread_under_other_base_rates() {
    let unreadable = Reason::UnreadableFile("no".into());
    let file = GivenFile::unreadable("posts.txt", unreadable.clone());
    let mut batch = Batch::new(vec![file]);
    batch.begin_again(BaseRates::Corpus);
    assert_eq!(*batch.state(), State::Failed(unreadable));
}

#[test]
fn formats_are_recognised_by_name_or_content() {
    let jsonl = r#"{"id": "a", "posts": ["rain", "tea"]}
        {"id": "b", "text": "office"}"#;
    let csv = "id,text\na,rain\na,tea\nb,office\n";
    let expected = run("users.jsonl", jsonl, ALL).to_jsonl().unwrap();
    assert!(expected.starts_with(r#"{"id":"a","words":7,"known_words":2,"predictions":{"age":"#));
    for (name, text) in [("users", jsonl), ("users.csv", csv), ("users", csv)] {
        let batch = run(name, text, ONE);
        assert_eq!(batch.to_jsonl().unwrap(), expected, "{name}");
        assert_eq!(batch.bytes_read(), batch.bytes());
    }
    let posts = run("a.txt", "rain\n{\n", ALL);
    assert_eq!(ids(&posts), [1, 2]);
}

#[test]
fn an_empty_file_has_no_users() {
    for name in ["empty.jsonl", "empty.csv", "empty.txt", "empty"] {
        let mut batch = batch(name, "");
        assert_eq!(batch.next_chunk(ALL), None, "{name}");
        assert_eq!(*batch.state(), State::Finished);
        assert_eq!(batch.to_jsonl().unwrap(), "");
        assert_eq!(batch.to_csv().unwrap(), "id,words,known_words\n");
    }
}

#[test]
fn bad_records_are_reported_and_count_as_positions() {
    let text = "{\"posts\": [\"a\"]}\n\n{\n{\"id\": null, \"text\": \"b\"}\n3\n{\"id\": [0], \"text\": \"c\"}";
    let batch = run("users.jsonl", text, ONE);
    assert_eq!(ids(&batch), [json!(1), json!(3), json!([0])]);
    assert_eq!(batch.bad_records(), 2);
    let [first, second] = batch.reports() else {
        panic!("{:?}", batch.reports());
    };
    let first = first.message(Locale::English);
    assert!(first.starts_with("line 3: bad JSON: "), "{first}");
    assert_eq!(
        second.message(Locale::English),
        r#"line 5: a record must be a JSON object, such as {"id": 1, "text": "…"}"#
    );
}

#[test]
fn the_lines_of_bad_records_were_named_in_english_in_every_language() {
    let batch = run("users.jsonl", "{\n", ONE);
    let message = batch.reports()[0].message(Locale::Chinese);
    assert!(
        message.starts_with("第 1 行：无法读取（技术细节：bad JSON: "),
        "{message}"
    );
}

#[test]
fn a_file_of_bad_records_is_read_in_chunks_too() {
    const BAD: usize = (1 << 18) + 9;
    let mut batch = batch("users.jsonl", "bad \u{96e8}\n".repeat(BAD));
    let mut chunks = 0;
    while let Some(users) = step(&mut batch, ALL) {
        assert_eq!(users, 0);
        chunks += 1;
    }
    assert_eq!(chunks, 2);
    assert_eq!(*batch.state(), State::Finished);
    assert_eq!(
        (batch.bad_records(), batch.reports().len()),
        (BAD as u64, 100)
    );
    assert_eq!(batch.to_jsonl().unwrap(), "");
}

#[test]
fn spreadsheets_in_utf_16_were_refused() {
    let text = "id\ttext\n7\tÄ\u{1f375}\n7\tb\n8\tc\n";
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let spreadsheet = run("users.txt", [&b"\xff\xfe"[..], &bytes].concat(), ONE);
    assert_eq!(ids(&spreadsheet), [json!("7"), json!("8")]);
    assert_eq!(spreadsheet.lines()[0].prediction.words, 3);
    assert_eq!(spreadsheet.notes(), ["read as UTF-16LE"]);
    // A byte that is not UTF-8 costs no user.
    let broken = "caf\u{e9} ".repeat(20).into_bytes();
    let broken = [&b"text\n"[..], &broken, b"\xff\nb\n"].concat();
    assert_eq!(run("users.csv", broken, ALL).lines().len(), 2);
}

#[test]
fn the_posts_of_a_predicted_user_are_found_again() {
    let many: String = (0..2_500).map(|user| format!("post of {user}\n")).collect();
    let files: [(&str, &str); 3] = [
        ("many.txt", &many),
        (
            "broken.jsonl",
            "{\"id\": \"a\", \"posts\": [\"x\", \"y\"]}\n{\n",
        ),
        ("last.csv", "id,text\nb,z\n"),
    ];
    let batch = run_all(&files, ALL);
    let find = |place| {
        let mut search = batch.search(place);
        loop {
            if let ControlFlow::Break(posts) = search.step() {
                return posts;
            }
        }
    };
    for (place, posts) in [
        (0, vec!["post of 0"]),
        (1_999, vec!["post of 1999"]),
        (2_500, vec!["x", "y"]),
        (2_501, vec!["z"]),
    ] {
        let posts = posts.into_iter().map(String::from).collect();
        assert_eq!(find(place), Some(posts), "{place}");
    }
    assert_eq!(find(2_502), None);
}

#[test]
fn a_file_without_users_has_failed_and_says_why() {
    let mut batch = batch("words.csv", "id,words\n1,a\n");
    let what = "neither JSON nor a table with a column of text in its first line; its columns are: id, words";
    assert_eq!(*batch.state(), State::Failed(Reason::NoUsers(what.into())));
    assert_eq!(batch.next_chunk(ALL), None);
    let packed = run("users.jsonl.gz", b"\x1f\x8b\x08\0\0", ALL);
    assert_eq!(
        *packed.state(),
        State::Failed(Reason::PackedFile {
            packing: "gzip".into()
        })
    );
}

#[test]
fn a_file_that_cannot_be_read_on_keeps_the_users_before() {
    let endless = format!("text\nrain\ntea\n\"{}", "x".repeat(65 << 20));
    let mut batch = batch("users.csv", endless);
    assert_eq!(batch.next_chunk(ALL).unwrap(), [["rain"], ["tea"]]);
    assert_eq!(*batch.state(), State::Running, "an answer is to come");
    assert_eq!(step(&mut batch, ALL), Some(2));
    assert_eq!(step(&mut batch, ALL), None);
    let State::Failed(Reason::BrokenFile(what)) = batch.state() else {
        panic!("{:?}", batch.state());
    };
    assert!(what.contains("the quote opened in line 4"), "{what}");
    assert_eq!(ids(&batch), [1, 2]);
}

#[test]
fn all_but_the_first_of_several_files_were_left_out() {
    let files = [
        ("a.txt", "rain\ntea\n"),
        (
            "b.jsonl",
            "{\"id\": \"x\", \"text\": \"office\"}\n{\n{\"text\": \"ab\"}\n",
        ),
        ("empty.txt", ""),
        ("c.csv", "text\nrain\n"),
    ];
    let expected = [json!(1), json!(2), json!("x"), json!(5), json!(6)];
    for size in [ONE, ALL] {
        let mut batch = run_all(&files, size);
        // Positions go on from file to file, or two users would have one id.
        assert_eq!(ids(&batch), expected);
        assert_eq!(*batch.state(), State::Finished);
        assert_eq!(batch.bytes_read(), batch.bytes());
        assert_eq!((batch.name(), batch.files()), ("a.txt", 4));
        let reports: Vec<String> = (batch.reports().iter())
            .map(|report| report.message(Locale::English))
            .collect();
        assert_eq!(reports.len(), 1);
        assert!(
            reports[0].starts_with("b.jsonl, line 2: bad JSON: "),
            "{reports:?}"
        );
        let before = batch.to_jsonl().unwrap();
        batch.begin_again(BaseRates::Corpus);
        while step(&mut batch, size).is_some() {}
        assert_eq!(batch.to_jsonl().unwrap(), before);
    }
}

#[test]
fn a_broken_file_does_not_hold_up_the_others() {
    let endless = format!("text\nrain\n\"{}", "x".repeat(65 << 20));
    let files = [
        ("words.csv", "id,words\n1,a\n"),
        ("endless.csv", &endless),
        ("posts.txt", "tea\n"),
        ("nothing.csv", "la,la\n"),
    ];
    let batch = run_all(&files, ALL);
    assert_eq!(batch.lines().len(), 2);
    let broken: Vec<&str> = (batch.broken().iter())
        .map(|broken| broken.name.as_str())
        .collect();
    assert_eq!(broken, ["words.csv", "endless.csv", "nothing.csv"]);
    assert!(matches!(batch.state(), State::Failed(Reason::NoUsers(_))));
    let unread = GivenFile::unreadable("gone.txt", Reason::UnreadableFile("no".into()));
    let mut batch = Batch::new(vec![unread, GivenFile::new("posts.txt", "tea\n")]);
    assert_eq!(step(&mut batch, ALL), Some(1));
    assert_eq!(
        *batch.state(),
        State::Failed(Reason::UnreadableFile("no".into()))
    );
}

#[test]
fn predictions_stay_when_the_run_is_cancelled() {
    let mut batch = batch("posts.txt", "one\ntwo\nthree\n");
    step(&mut batch, ONE);
    let second = predict_all(batch.next_chunk(ONE).unwrap());
    batch.cancel();
    assert_eq!(*batch.state(), State::Cancelled);
    batch.answer(second);
    assert_eq!(batch.next_chunk(ONE), None);
    batch.fail(Reason::WorkerEnded);
    assert_eq!(*batch.state(), State::Cancelled);
    assert_eq!(ids(&batch), [1]);
    assert_eq!(batch.to_jsonl().unwrap().lines().count(), 1);
    let mut finished = run("posts.txt", "one\n", ALL);
    finished.cancel();
    assert_eq!(*finished.state(), State::Finished);
}

#[test]
fn a_wrong_number_of_predictions_ends_the_run() {
    let mut batch = batch("posts.txt", "one\ntwo\n");
    batch.next_chunk(ALL).unwrap();
    batch.answer(Vec::new());
    assert_eq!(
        *batch.state(),
        State::Failed(Reason::Miscounted {
            asked: 2,
            answered: 0
        })
    );
}

#[test]
fn columns_are_named_by_attribute_and_class() {
    let csv = run("posts.txt", "ab\n\n", ALL).to_csv().unwrap();
    let mut lines = csv.lines();
    assert_eq!(
        lines.next().unwrap(),
        "id,words,known_words,age,age_probability,age_confident,age_13,age_33+,age_coarse,age_coarse_probability,\
         age_coarse_confident,age_coarse_young,age_coarse_grown,job,job_probability,job_confident,\
         \"job_IT, and so on\",job_+1"
    );
    assert_eq!(
        lines.next().unwrap(),
        "1,2,1,33+,0.6969697,true,0.3030303,0.6969697,grown,0.6969697,true,0.3030303,0.6969697,'+1,0.6969697,true,\
         0.3030303,0.6969697"
    );
    assert!(lines.next().unwrap().starts_with("2,0,1,,,true,0.7692308,"));
}

#[test]
fn no_id_is_a_formula() {
    let ids = [
        (json!("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")"),
        (json!("+1"), "'+1"),
        (json!("-1"), "'-1"),
        (json!("@x"), "'@x"),
        (json!("\t=1"), "'\t=1"),
        (json!("\r=2"), "'\r=2"),
        (json!("\n=3"), "'\n=3"),
        (json!("＝1"), "'＝1"),
        (json!("＋1"), "'＋1"),
        (json!("－1"), "'－1"),
        (json!("＠x"), "'＠x"),
        (json!("a=1"), "a=1"),
        (json!(""), ""),
        (json!(-2), "-2"),
        (json!(-1.5), "-1.5"),
        (json!(true), "true"),
        (json!(["=1"]), "[\"=1\"]"),
    ];
    let text: String = ids
        .iter()
        .map(|(id, _)| format!("{}\n", json!({ "id": id, "text": "" })))
        .collect();
    let csv = run("users.jsonl", text, ALL).to_csv().unwrap();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let cells: Vec<String> = (reader.records().map(|row| row.unwrap()[0].to_owned())).collect();
    assert_eq!(cells, ids.map(|(_, cell)| cell));
}

#[test]
fn a_semicolon_made_formulas_of_what_followed_it() {
    let users = r#"{"id": "a;=1+1", "text": "x"}
{"id": "b\t=1+1", "text": "x"}
"#;
    let csv = run("users.jsonl", users, ALL).to_csv().unwrap();
    let rows: Vec<&str> = csv.lines().skip(1).collect();
    assert!(rows[0].starts_with("\"a;=1+1\",1,1,"), "{csv}");
    assert!(rows[1].starts_with("\"b\t=1+1\",1,1,"), "{csv}");
    // The names of a model stand inside the rows, where a quote does not begin a cell.
    let mut named = run("posts.txt", "ab\n", ALL);
    for (name, attribute) in &mut named.lines[0].prediction.predictions.0 {
        *name = format!("{name};=1");
        attribute.label = Some("it;＝1;x".into());
    }
    let csv = named.to_csv().unwrap();
    assert!(
        csv.contains("\"age;'=1\",\"age;'=1_probability\","),
        "{csv}"
    );
    assert!(csv.contains("\"it;'＝1;x\""), "{csv}");
}

#[test]
fn the_parts_of_an_export_are_the_whole() {
    let batch = run("posts.txt", "a\nbc\n\nd\n", ALL);
    for format in [Export::Csv, Export::Jsonl] {
        let whole = batch.export(format, 0..batch.lines().len()).unwrap();
        let parts: String = (0..batch.lines().len())
            .map(|line| batch.export(format, line..line + 1).unwrap())
            .collect();
        assert_eq!(parts, whole, "{format:?}");
    }
}

/// Users of a file, most of them with an id of some type.
fn users() -> impl Strategy<Value = Vec<(Value, Vec<String>)>> {
    let id = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[=+@'\\-\t\r\n,\"]{1,3}".prop_map(Value::from),
    ];
    prop::collection::vec((id, prop::collection::vec(".{0,9}", 0..4)), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_size_of_chunks_does_not_change_the_result(
        users in users(),
        sizes in prop::collection::vec((1usize..5, 0usize..30), 1..20),
    ) {
        let text: String = users
            .iter()
            .map(|(id, posts)| format!("{}\n", json!({ "id": id, "posts": posts })))
            .collect();
        let expected: Vec<Line> = (1..)
            .zip(&users)
            .map(|(position, (id, posts))| Line {
                id: if id.is_null() { Value::from(position) } else { id.clone() },
                prediction: predict(posts),
            })
            .collect();
        let mut batch = batch("users.jsonl", text);
        let mut sizes = sizes.into_iter().cycle();
        let mut next = || {
            let (users, characters) = sizes.next().unwrap();
            (users, step(&mut batch, ChunkSize { users, characters }))
        };
        while let (most, Some(users)) = next() {
            prop_assert!((1..=most).contains(&users));
        }
        prop_assert_eq!(batch.state(), &State::Finished);
        prop_assert_eq!(batch.lines(), &expected[..]);
        prop_assert_eq!(batch.bytes_read(), batch.bytes());

        let lines: String = expected
            .iter()
            .map(|line| serde_json::to_string(line).unwrap() + "\n")
            .collect();
        prop_assert_eq!(batch.to_jsonl().unwrap(), lines);

        let csv = batch.to_csv().unwrap();
        let mut rows = csv::Reader::from_reader(csv.as_bytes());
        let rows: Vec<csv::StringRecord> = rows.records().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(rows.len(), expected.len());
        for (row, Line { id, prediction }) in rows.iter().zip(&expected) {
            let id = id.as_str().map_or_else(|| id.to_string(), String::from);
            let protected = format!("'{id}");
            prop_assert!(row[0] == id || row[0] == protected);
            prop_assert_eq!(&row[1], prediction.words.to_string());
            let age = prediction.predictions.get("age").unwrap();
            prop_assert_eq!(&row[3], age.label.as_deref().unwrap_or_default());
            for (cell, (_, probability)) in row.iter().skip(6).zip(age.probabilities.iter()) {
                prop_assert_eq!(cell.parse::<f32>().unwrap(), *probability);
            }
            prop_assert_eq!(row.len(), 18);
        }
    }
}

#[test]
fn a_writer_in_two_files_was_two_users_without_a_word() {
    let monday = ("1.csv", "user_id,text\n7,tea\n8,rain\n");
    let tuesday = ("2.csv", "user_id,text\n7,late\n9,a\n");
    let batch = run_all(&[monday, tuesday], ONE);
    let note = "1 user with posts in more than one file, who count once for each file; put the posts into one file to \
        group them";
    assert_eq!(batch.notes(), [note]);
    // Other base rates begin a new run, and files may number their users alike.
    let mut batch = batch;
    batch.begin_again(BaseRates::default());
    while step(&mut batch, ALL).is_some() {}
    assert_eq!(batch.notes(), [note]);
    let [one, other] =
        ["tea", "rain"].map(|post| format!("{{\"id\": 1, \"posts\": [\"{post}\"]}}\n"));
    assert!(
        run_all(&[("a.jsonl", &one), ("b.jsonl", &other)], ALL)
            .notes()
            .is_empty()
    );
}

#[test]
fn a_note_named_a_flag_that_the_page_lacks() {
    let batch = run("a.csv", "user,text\n7,1\n8,2\n", ALL);
    let notes = batch.notes().join("\n");
    assert!(notes.contains("all texts are numbers"), "{notes}");
    assert!(!notes.contains("--"), "{notes}");
}
