//! Predictions about a file of many users: what is to be predicted next, what has been, and both as files again.

use std::collections::VecDeque;
use std::error::Error;
use std::io::{self, BufRead, Cursor, Read};
use std::iter;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use model_core::corpus::{Format, HEAD_BYTES, Packing, Problem, Users, read_users};
use model_core::prediction::{Line, Named, UserPrediction};
use serde_json::Value;

/// How many reports of bad records are kept. The others are only counted.
pub const MAX_REPORTS: usize = 100;

/// A chunk ends when this much of the file was read for it, whatever came of it: bad records take time too.
const CHUNK_BYTES: usize = 1 << 20;

/// How much is asked of the worker at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkSize {
    /// The most users of a chunk.
    pub users: usize,
    /// A chunk ends with the user whose posts bring it to this many characters.
    pub characters: usize,
}

/// How far a batch is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// There is more to read, or answers are to come.
    Running,
    /// The file was read to its end, and every user in it that could be read has a prediction.
    Finished,
    /// The visitor has seen enough.
    Cancelled,
    /// The file cannot be read on, or users cannot be predicted: one line that says why.
    Failed(String),
}

/// The run over one file. It reads chunk by chunk, and each chunk wants an answer; what was answered stays, whatever
/// the run ends in.
pub struct Batch {
    name: String,
    bytes: usize,
    bytes_read: Arc<AtomicUsize>,
    /// `None` when there is nothing more to read.
    users: Option<Users>,
    /// The ids of the users in each chunk that waits for its answer.
    asked: VecDeque<Vec<Value>>,
    lines: Vec<Line>,
    records: u64,
    bad_records: u64,
    reports: Vec<String>,
    /// What the run ends in, once there is nothing more to read or to wait for.
    outcome: State,
}

impl Batch {
    /// A run over the file of this name, which says what format it is in, and with these bytes. Of what is no file of
    /// users it has failed already.
    pub fn new(name: String, bytes: Vec<u8>) -> Self {
        let length = bytes.len();
        let bytes_read = Arc::default();
        let (users, outcome) = match open(&name, bytes, Arc::clone(&bytes_read)) {
            Ok(users) => (Some(users), State::Finished),
            Err(what) => (None, State::Failed(format!("{name}: {what}"))),
        };
        Self {
            name,
            bytes: length,
            bytes_read,
            users,
            asked: VecDeque::new(),
            lines: Vec::new(),
            records: 0,
            bad_records: 0,
            reports: Vec::new(),
            outcome,
        }
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes the file has.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many of them were read so far.
    pub fn bytes_read(&self) -> usize {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// How far the run is.
    pub fn state(&self) -> &State {
        if self.users.is_some() || !self.asked.is_empty() {
            &State::Running
        } else {
            &self.outcome
        }
    }

    /// The users who have a prediction, in the order of the file. A user without an id has the position of its record
    /// as one, counted from 1.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// How many records could not be read so far.
    pub fn bad_records(&self) -> u64 {
        self.bad_records
    }

    /// What was wrong with the first [`MAX_REPORTS`] of them, a line each.
    pub fn reports(&self) -> &[String] {
        &self.reports
    }

    /// The posts of the users to predict next; `None` when there are no more. A chunk may hold nobody, where a long
    /// part of the file is bad; it wants its answer too, which is empty.
    pub fn next_chunk(&mut self, size: ChunkSize) -> Option<Vec<Vec<String>>> {
        let before = self.bytes_read();
        let (mut ids, mut posts, mut characters) = (Vec::new(), Vec::new(), 0);
        loop {
            match self.users.as_mut()?.next() {
                Some(Ok(mut user)) => {
                    self.records += 1;
                    user.number(self.records);
                    ids.push(user.id());
                    characters += (user.posts.iter())
                        .map(|post| post.chars().count())
                        .sum::<usize>();
                    posts.push(user.posts);
                }
                Some(Err(Problem::Record { line, what })) => {
                    self.records += 1;
                    self.bad_records += 1;
                    if self.reports.len() < MAX_REPORTS {
                        self.reports.push(format!("line {line}: {what}"));
                    }
                }
                Some(Err(Problem::Stream(error))) => {
                    self.outcome = State::Failed(format!("{}: {error}", self.name));
                    self.users = None;
                }
                None => self.users = None,
            }
            let ended = self.users.is_none();
            if ended && posts.is_empty() {
                return None;
            }
            if ended
                || posts.len() >= size.users
                || characters >= size.characters
                || self.bytes_read() - before >= CHUNK_BYTES
            {
                self.asked.push_back(ids);
                return Some(posts);
            }
        }
    }

    /// The answer to the first chunk that waits for one. Answers come in the order of the chunks, all by one model.
    /// Those that come after the end are left out.
    pub fn answer(&mut self, predictions: Vec<UserPrediction>) {
        let Some(ids) = self.asked.front() else {
            return;
        };
        if ids.len() != predictions.len() {
            let (users, answers) = (ids.len(), predictions.len());
            return self.fail(format!(
                "the model was asked about {users} users and answered for {answers}"
            ));
        }
        let ids = self.asked.pop_front().into_iter().flatten();
        self.lines.extend(
            ids.zip(predictions)
                .map(|(id, prediction)| Line { id, prediction }),
        );
    }

    /// Ends the run because the visitor wants no more of it.
    pub fn cancel(&mut self) {
        self.end(State::Cancelled);
    }

    /// Ends the run because there are no more answers.
    pub fn fail(&mut self, message: String) {
        self.end(State::Failed(message));
    }

    fn end(&mut self, outcome: State) {
        if *self.state() == State::Running {
            self.users = None;
            self.asked.clear();
            self.outcome = outcome;
        }
    }

    /// What is done as JSONL: what `auxlstm predict` prints about the same users.
    ///
    /// # Errors
    /// If a line cannot be written as JSON; no such line is known.
    pub fn to_jsonl(&self) -> Result<String, Box<dyn Error>> {
        let mut bytes = Vec::new();
        for line in &self.lines {
            line.write(&mut bytes)?;
        }
        Ok(String::from_utf8(bytes)?)
    }

    /// What is done as CSV, for spreadsheets: a header and a row a user. After `id`, `words` and `known_words` come
    /// for each attribute, here `age`, a column `age` with the most probable class, empty where there is none, and
    /// for each class, here `13`, a column `age.13` with its probability. Where an attribute has groups, here `young`,
    /// the same follows for them: `age coarse` and `age coarse.young`.
    ///
    /// Text that a spreadsheet would take for a formula begins with an apostrophe.
    ///
    /// # Errors
    /// If the answers were by models of different attributes.
    pub fn to_csv(&self) -> Result<String, Box<dyn Error>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut header = ["id", "words", "known_words"].map(String::from).to_vec();
        if let Some(first) = self.lines.first() {
            for (name, _, probabilities) in distributions(&first.prediction) {
                header.push(name.clone());
                header.extend(
                    probabilities
                        .iter()
                        .map(|(class, _)| format!("{name}.{class}")),
                );
            }
        }
        writer.write_record(header.into_iter().map(harmless))?;
        for Line { id, prediction } in &self.lines {
            let id = match id {
                Value::String(text) => harmless(text.clone()),
                // A number is no formula, even a negative one.
                other => other.to_string(),
            };
            let mut row = vec![
                id,
                prediction.words.to_string(),
                prediction.known_words.to_string(),
            ];
            for (_, label, probabilities) in distributions(prediction) {
                row.push(harmless(label.clone().unwrap_or_default()));
                row.extend(probabilities.iter().map(|(_, value)| value.to_string()));
            }
            writer.write_record(row)?;
        }
        Ok(String::from_utf8(writer.into_inner()?)?)
    }
}

/// The users in a file, and how much of it was read as they are asked for.
fn open(name: &str, bytes: Vec<u8>, bytes_read: Arc<AtomicUsize>) -> Result<Users, String> {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    if let Some(packing) = Packing::by_content(head) {
        let packing = match packing {
            Packing::Xz => "xz",
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
        };
        return Err(format!("packed with {packing}; unpack it first"));
    }
    let format = Format::of(Path::new(name), head);
    let bytes = Cursor::new(bytes);
    read_users(Counted { bytes, bytes_read }, format)
}

/// Each distribution of a prediction: its name, its most probable class, its probabilities.
fn distributions(
    prediction: &UserPrediction,
) -> impl Iterator<Item = (String, &Option<String>, &Named<f32>)> {
    prediction.predictions.iter().flat_map(|(name, attribute)| {
        let coarse = attribute.coarse.as_ref().map(|coarse| {
            let name = format!("{name} coarse");
            (name, &coarse.label, &coarse.probabilities)
        });
        let classes = (name.to_owned(), &attribute.label, &attribute.probabilities);
        iter::once(classes).chain(coarse)
    })
}

/// Text that a spreadsheet shows as it is. What begins with one of these characters it would compute, and a formula
/// can send away the rest of the table.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text
    }
}

/// A file's bytes, and how many of them were taken.
struct Counted {
    bytes: Cursor<Vec<u8>>,
    bytes_read: Arc<AtomicUsize>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.bytes.read(buffer)?;
        self.bytes_read.fetch_add(length, Ordering::Relaxed);
        Ok(length)
    }
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.bytes.fill_buf()
    }

    fn consume(&mut self, length: usize) {
        self.bytes.consume(length);
        self.bytes_read.fetch_add(length, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use model_core::prediction::{AttributePrediction, CoarsePrediction};
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

    /// A prediction that follows from the posts.
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
        Batch::new(name.into(), bytes.into())
    }

    /// The batch after its end, every chunk of this size.
    fn run(name: &str, bytes: impl Into<Vec<u8>>, size: ChunkSize) -> Batch {
        let mut batch = batch(name, bytes);
        while let Some(chunk) = batch.next_chunk(size) {
            assert_eq!(*batch.state(), State::Running);
            batch.answer(predict_all(&chunk));
        }
        batch
    }

    fn ids(batch: &Batch) -> Vec<Value> {
        batch.lines().iter().map(|line| line.id.clone()).collect()
    }

    fn failed(message: &str) -> State {
        State::Failed(message.into())
    }

    #[test]
    fn chunks_are_bounded_by_users_and_by_characters() {
        let mut batch = batch("posts.txt", "one\ntwo\nthree\nfour\n\u{96e8}\u{96e8}");
        let mut next = |users, characters| batch.next_chunk(ChunkSize { users, characters });
        let chunk = |posts: &[&str]| {
            let posts = posts.iter().map(|post| vec![post.to_string()]);
            Some(posts.collect::<Vec<_>>())
        };
        assert_eq!(next(2, 99), chunk(&["one", "two"]));
        assert_eq!(next(9, 6), chunk(&["three", "four"]));
        assert_eq!(next(0, 0), chunk(&["\u{96e8}\u{96e8}"]), "never stuck");
        assert_eq!(next(1, 1), None);
        assert_eq!(*batch.state(), State::Running, "answers are to come");
        for users in [2, 2, 1] {
            assert_eq!(batch.lines().len() % 2, 0);
            batch.answer(predict_all(&vec![Vec::new(); users]));
        }
        assert_eq!(*batch.state(), State::Finished);
        assert_eq!(batch.lines().len(), 5);
    }

    #[test]
    fn reading_keeps_pace_with_the_chunks() {
        let line = format!(
            "{}\n",
            json!({ "posts": ["rain"], "more": "x".repeat(400_000) })
        );
        let mut batch = batch("users.jsonl", line.repeat(7));
        assert_eq!((batch.bytes_read(), batch.bytes()), (0, 7 * line.len()));
        let mut users = Vec::new();
        while let Some(chunk) = batch.next_chunk(ALL) {
            users.push(chunk.len());
            assert_eq!(batch.bytes_read(), users.iter().sum::<usize>() * line.len());
        }
        assert_eq!(users, [3, 3, 1]);
    }

    #[test]
    fn every_format_is_told_by_its_name_or_its_content() {
        let jsonl = r#"{"id": "a", "posts": ["rain", "tea"]}
            {"id": "b", "text": "office"}"#;
        let csv = "id,text\na,rain\na,tea\nb,office\n";
        let expected = run("users.jsonl", jsonl, ALL).to_jsonl().unwrap();
        assert!(
            expected.starts_with(r#"{"id":"a","words":7,"known_words":2,"predictions":{"age":"#)
        );
        for (name, text) in [("users", jsonl), ("users.csv", csv), ("users", csv)] {
            let batch = run(name, text, ONE);
            assert_eq!(batch.to_jsonl().unwrap(), expected, "{name}");
            assert_eq!(batch.bytes_read(), batch.bytes());
        }
        let posts = run("a.txt", "rain\n{\n", ALL);
        assert_eq!(ids(&posts), [1, 2]);
    }

    #[test]
    fn an_empty_file_has_nobody() {
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
        assert!(batch.reports()[0].starts_with("line 3: bad JSON: "));
        assert_eq!(
            batch.reports()[1],
            "line 5: a record must be a JSON object, this is a number"
        );
    }

    #[test]
    fn a_file_of_bad_records_finishes_and_stops_for_breath() {
        let mut batch = batch("users.jsonl", "bad \u{96e8}\n".repeat(1 << 18));
        let mut chunks = 0;
        while let Some(chunk) = batch.next_chunk(ALL) {
            assert_eq!(chunk, [[""; 0]; 0]);
            batch.answer(Vec::new());
            chunks += 1;
        }
        assert_eq!(chunks, 2);
        assert_eq!(*batch.state(), State::Finished);
        assert_eq!((batch.bad_records(), batch.reports().len()), (1 << 18, 100));
        assert_eq!(batch.to_jsonl().unwrap(), "");
    }

    #[test]
    fn what_is_not_utf_8_is_reported() {
        let latin = run("users.txt", b"tea\ncaf\xe9\n", ALL);
        assert_eq!(latin.lines().len(), 1);
        assert_eq!(latin.reports(), ["line 2: invalid UTF-8 at byte 4"]);
        let spreadsheet = run("users.csv", b"\xff\xfet\0e\0x\0t\0", ALL);
        assert_eq!(
            *spreadsheet.state(),
            failed("users.csv: invalid UTF-8 at byte 1")
        );
    }

    #[test]
    fn what_holds_no_users_has_failed_and_says_why() {
        let mut batch = batch("words.csv", "id,words\n1,a\n");
        assert_eq!(
            *batch.state(),
            failed(
                "words.csv: neither a JSON object nor a CSV header with a column \"text\" or \"posts\""
            )
        );
        assert_eq!(batch.next_chunk(ALL), None);
        let packed = run("users.jsonl.gz", b"\x1f\x8b\x08\0\0", ALL);
        assert_eq!(
            *packed.state(),
            failed("users.jsonl.gz: packed with gzip; unpack it first")
        );
    }

    #[test]
    fn a_file_that_breaks_off_keeps_the_users_before() {
        let endless = format!("text\nrain\ntea\n\"{}", "x".repeat(65 << 20));
        let mut batch = batch("users.csv", endless);
        let chunk = batch.next_chunk(ALL).unwrap();
        assert_eq!(chunk, [["rain"]]);
        assert_eq!(batch.next_chunk(ALL), None);
        assert_eq!(*batch.state(), State::Running, "an answer is to come");
        batch.answer(predict_all(&chunk));
        assert!(matches!(batch.state(), State::Failed(message) if
            message.starts_with("users.csv: ") && message.contains("a quote never closed")));
        assert_eq!(ids(&batch), [1]);
    }

    #[test]
    fn what_is_done_stays_when_the_run_is_cancelled() {
        let mut batch = batch("posts.txt", "one\ntwo\nthree\n");
        let first = batch.next_chunk(ONE).unwrap();
        let second = batch.next_chunk(ONE).unwrap();
        batch.answer(predict_all(&first));
        batch.cancel();
        assert_eq!(*batch.state(), State::Cancelled);
        batch.answer(predict_all(&second));
        assert_eq!(batch.next_chunk(ONE), None);
        batch.fail("too late".into());
        assert_eq!(*batch.state(), State::Cancelled);
        assert_eq!(ids(&batch), [1]);
        assert_eq!(batch.to_jsonl().unwrap().lines().count(), 1);
        let mut finished = run("posts.txt", "one\n", ALL);
        finished.cancel();
        assert_eq!(*finished.state(), State::Finished);
    }

    #[test]
    fn answers_that_fit_no_question_end_the_run() {
        let mut batch = batch("posts.txt", "one\ntwo\n");
        batch.next_chunk(ALL).unwrap();
        batch.answer(Vec::new());
        assert_eq!(
            *batch.state(),
            failed("the model was asked about 2 users and answered for 0")
        );
    }

    #[test]
    fn columns_are_named_by_attribute_and_class() {
        let csv = run("posts.txt", "ab\n\n", ALL).to_csv().unwrap();
        let mut lines = csv.lines();
        assert_eq!(
            lines.next().unwrap(),
            "id,words,known_words,age,age.13,age.33+,age coarse,age coarse.young,age coarse.grown,\
             job,\"job.IT, and so on\",job.+1"
        );
        assert_eq!(
            lines.next().unwrap(),
            "1,2,1,33+,0.3030303,0.6969697,grown,0.3030303,0.6969697,'+1,0.3030303,0.6969697"
        );
        assert!(lines.next().unwrap().starts_with("2,0,1,,0.7692308,"));
    }

    #[test]
    fn no_id_is_a_formula() {
        let ids = [
            (json!("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")"),
            (json!("+1"), "'+1"),
            (json!("-1"), "'-1"),
            (json!("@x"), "'@x"),
            (json!("\t=1"), "'\t=1"),
            (json!("\r=1"), "'\r=1"),
            (json!("\n=1"), "'\n=1"),
            (json!("a=1"), "a=1"),
            (json!(""), ""),
            (json!(-1), "-1"),
            (json!(-1.5e300), "-1.5e+300"),
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

    /// Users as a file may hold them: most with an id, of any kind.
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
        fn however_it_is_cut_the_result_is_the_same(
            users in users(),
            sizes in prop::collection::vec((1usize..5, 0usize..30), 1..20),
            at_once in 1usize..4,
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
            let mut waiting = VecDeque::new();
            loop {
                let (users, characters) = sizes.next().unwrap();
                let chunk = batch.next_chunk(ChunkSize { users, characters });
                let ended = chunk.is_none();
                prop_assert!(chunk.as_ref().is_none_or(|chunk| (1..=users).contains(&chunk.len())));
                waiting.extend(chunk);
                while waiting.len() > if ended { 0 } else { at_once } {
                    batch.answer(predict_all(&waiting.pop_front().unwrap()));
                }
                if ended {
                    break;
                }
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
                let id = id.as_str().map_or_else(|| id.to_string(), |id| harmless(id.into()));
                prop_assert_eq!(&row[0], id);
                prop_assert_eq!(&row[1], prediction.words.to_string());
                let age = prediction.predictions.get("age").unwrap();
                prop_assert_eq!(&row[3], age.label.as_deref().unwrap_or_default());
                for (cell, (_, probability)) in row.iter().skip(4).zip(age.probabilities.iter()) {
                    prop_assert_eq!(cell.parse::<f32>().unwrap(), *probability);
                }
                prop_assert_eq!(row.len(), 12);
            }
        }
    }
}
