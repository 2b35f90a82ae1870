//! `auxlstm predict` with tables as output, as its users meet it.

mod common;

use common::model::untrained;
use common::{Workplace, failure, stderr, stdout};
use serde_json::{Map, Value};

const USERS: &str = r#"{"id": "ann", "city": "Bern", "gender": "F", "posts": ["Tea and rain, tea", "office"]}
{"city": "=1+1", "size": -2.5, "gender": null, "posts": ["nothing known"]}
{"id": "-b", "tags": ["x"], "posts": ["football essay kitchen"]}
"#;

/// A folder with an untrained model of age (with coarse classes) and gender, and three users.
fn workplace() -> Workplace {
    let workplace = Workplace::new();
    workplace.write("model", untrained().to_bytes().unwrap());
    workplace.write("users.jsonl", USERS);
    workplace
}

impl Workplace {
    fn table(&self, options: &[&str]) -> Vec<Map<String, Value>> {
        let command = ["predict", "model", "users.jsonl", "--format", "jsonl"];
        let text = self.success(&[&command[..], options].concat());
        let object = |line| serde_json::from_str(line).unwrap();
        text.lines().map(object).collect()
    }

    fn csv(&self, options: &[&str]) -> Vec<Vec<String>> {
        let command = ["predict", "model", "users.jsonl", "--format", "csv"];
        rows(&self.success(&[&command[..], options].concat()))
    }
}

fn rows(csv: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.has_headers(false).from_reader(csv.as_bytes());
    let row = |row: Result<csv::StringRecord, _>| row.unwrap().iter().map(String::from).collect();
    reader.records().map(row).collect()
}

fn names(row: &Map<String, Value>) -> Vec<&str> {
    row.keys().map(String::as_str).collect()
}

const COLUMNS: [&str; 17] = [
    "id",
    "words",
    "known_words",
    "age",
    "age_probability",
    "age_confident",
    "age_13",
    "age_14",
    "age_33+",
    "age_coarse",
    "age_coarse_probability",
    "age_coarse_confident",
    "age_coarse_young",
    "age_coarse_grown",
    "gender",
    "gender_probability",
    "gender_confident",
];

#[test]
fn tables_have_the_predictions_in_flat_columns() {
    let workplace = workplace();
    let objects = workplace.success(&["predict", "model", "users.jsonl"]);
    let table = workplace.table(&[]);
    assert_eq!(table.len(), 3);
    for (line, row) in objects.lines().zip(&table) {
        let object: Value = serde_json::from_str(line).unwrap();
        let columns = [&COLUMNS[..], &["gender_female", "gender_male"]].concat();
        assert_eq!(names(row), columns);
        assert_eq!(
            (&row["id"], &row["words"]),
            (&object["id"], &object["words"])
        );
        let [age, gender] = ["age", "gender"].map(|name| &object["predictions"][name]);
        assert_eq!(row["age"], age["label"]);
        assert_eq!(row["age_33+"], age["probabilities"]["33+"]);
        assert_eq!(row["age_coarse"], age["coarse"]["label"]);
        assert_eq!(
            row["age_coarse_young"],
            age["coarse"]["probabilities"]["young"]
        );
        assert_eq!(row["gender_confident"], gender["confident"]);
        let probability = match gender["label"].as_str() {
            Some(label) => &gender["probabilities"][label],
            None => &Value::Null,
        };
        assert_eq!(&row["gender_probability"], probability);
    }
    let csv = workplace.csv(&[]);
    assert_eq!(csv[0], names(&table[0]));
    for (cells, row) in csv[1..].iter().zip(&table) {
        for (cell, value) in cells.iter().zip(row.values()) {
            let text = match value {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                // JSON writes small numbers with an exponent, CSV does not.
                Value::Number(number) if number.is_f64() => {
                    assert_eq!(cell.parse().ok(), number.as_f64());
                    continue;
                }
                other => other.to_string(),
            };
            assert_eq!(cell.trim_start_matches('\''), text);
        }
    }
    assert_eq!(csv[3][0], "'-b");
}

#[test]
fn the_ending_of_the_output_names_the_format() {
    let workplace = workplace();
    let predict = ["predict", "model", "users.jsonl"];
    for format in ["csv", "jsonl"] {
        let printed = workplace.success(&[&predict[..], &["--format", format]].concat());
        let file = format!("table.{}", format.to_uppercase());
        let nothing = workplace.success(&[&predict[..], &["-o", &file]].concat());
        let written = std::fs::read_to_string(workplace.path(&file)).unwrap();
        assert_eq!((nothing.as_str(), written), ("", printed));
    }
    for file in ["table.xlsx", "table"] {
        let line = workplace.failure(&[&predict[..], &["-o", file]].concat());
        let what = format!("{file}: ends with none of .csv, .jsonl and .parquet; name the format");
        assert!(line.contains(&what), "{line}");
    }
    let objects = workplace.success(&predict);
    workplace.success(&[&predict[..], &["--output", "all", "--format", "objects"]].concat());
    let written = std::fs::read_to_string(workplace.path("all")).unwrap();
    assert_eq!(written, objects);
    let output = workplace.run(&[&predict[..], &["--format", "xlsx"]].concat());
    assert!(stderr(&output).contains("csv, jsonl"));
    stdout(output, 2);
}

#[test]
fn a_table_of_nobody_has_its_header() {
    let workplace = workplace();
    let output = workplace.run_with_input(&["predict", "model", "--format", "csv"], "");
    assert_eq!(rows(&stdout(output, 0))[0].len(), 19);
}

#[test]
fn a_table_appears_only_when_it_is_complete() {
    let workplace = workplace();
    workplace.write("broken.jsonl", USERS.to_owned() + "{\n");
    let predict = ["predict", "model", "broken.jsonl", "-o", "table.csv"];
    failure(workplace.run(&[&predict[..], &["--strict"]].concat()));
    assert_eq!(workplace.files(), ["broken.jsonl", "model", "users.jsonl"]);
    stdout(workplace.run(&predict), 3);
    let table = std::fs::read_to_string(workplace.path("table.csv")).unwrap();
    assert_eq!(table.lines().count(), 4);
}

#[test]
fn attributes_are_selected() {
    let workplace = workplace();
    let all = workplace.table(&[]);
    let gender = workplace.table(&["--attribute", "gender"]);
    assert_eq!(
        names(&gender[0]),
        [
            "id",
            "words",
            "known_words",
            "gender",
            "gender_probability",
            "gender_confident",
            "gender_female",
            "gender_male"
        ]
    );
    assert_eq!(gender[2]["gender_male"], all[2]["gender_male"]);
    let both = ["--attribute", "gender", "--attribute", "age"];
    assert_eq!(workplace.table(&both), all);
    let objects = workplace.success(&["predict", "model", "users.jsonl", "--attribute", "age"]);
    assert!(objects.contains("\"predictions\":{\"age\":") && !objects.contains("gender"));
    let line = workplace.failure(&["predict", "model", "users.jsonl", "--attribute", "sex"]);
    assert!(
        line.ends_with("--attribute sex: the model predicts age, gender"),
        "{line}"
    );
}

#[test]
fn fields_of_the_record_are_copied() {
    let workplace = workplace();
    let keep = ["city", "size", "tags", "gender", "id"];
    let flags: Vec<&str> = keep.iter().flat_map(|field| ["--keep", *field]).collect();
    let table = workplace.table(&flags);
    let copied = ["city", "size", "tags", "record_gender", "record_id"];
    assert_eq!(names(&table[0])[1..6], copied);
    assert_eq!(names(&table[0])[6..9], ["words", "known_words", "age"]);
    assert_eq!(
        (&table[0]["city"], &table[0]["record_gender"]),
        (&"Bern".into(), &"F".into())
    );
    assert_eq!(
        (&table[1]["size"], &table[0]["size"]),
        (&(-2.5).into(), &Value::Null)
    );
    assert_eq!(table[2]["tags"], Value::from(vec!["x"]));
    let csv = workplace.csv(&flags);
    assert_eq!(csv[2][..6], ["2", "'=1+1", "-2.5", "", "", ""]);
    assert_eq!(csv[3][3], "[\"x\"]");

    let misspelt = [
        "predict",
        "model",
        "users.jsonl",
        "--format",
        "csv",
        "--keep",
        "citty",
    ];
    let output = workplace.run(&misspelt);
    assert!(stderr(&output).contains("--keep citty: no record has this field"));
    let line = workplace.failure(&["predict", "model", "users.jsonl", "--keep", "city"]);
    assert!(
        line.ends_with("--keep needs a table: add --format csv, jsonl or parquet"),
        "{line}"
    );
    let text = [
        "predict",
        "model",
        "users.jsonl",
        "--format",
        "csv",
        "--keep",
        "text",
    ];
    assert!(
        workplace
            .failure(&text)
            .contains("--keep text: the text is not copied")
    );
}

#[test]
fn a_column_whose_name_is_taken_gets_another() {
    let workplace = workplace();
    let mut bundle = untrained();
    bundle.settings.attributes[1].name = "words".into();
    bundle.settings.attributes[1].classes[0] = "confident".into();
    workplace.write("model", bundle.to_bytes().unwrap());
    let columns = names(&workplace.table(&["--attribute", "words"])[0]).join(" ");
    assert_eq!(
        columns,
        "id words known_words words_2 words_probability words_confident words_confident_2 words_male"
    );
}

#[test]
fn evidence_names_words_of_the_text() {
    let workplace = workplace();
    let table = workplace.table(&["--evidence", "2"]);
    let columns = ["age_evidence", "age_coarse_evidence", "gender_evidence"];
    for column in columns {
        assert_eq!(table[1][column], "", "no word is known");
    }
    let texts: [&[&str]; 2] = [
        &["tea", "and", "rain", "office"],
        &["football", "essay", "kitchen"],
    ];
    let mut named = 0;
    for (row, text) in [&table[0], &table[2]].into_iter().zip(texts) {
        for column in columns {
            let words: Vec<(&str, f64)> = (row[column].as_str().unwrap().split_whitespace())
                .map(|word| {
                    let (word, evidence) = word.rsplit_once(':').unwrap();
                    (word, evidence.parse().unwrap())
                })
                .collect();
            assert!(
                words.len() <= 2 && words.is_sorted_by(|a, b| a.1 >= b.1),
                "{words:?}"
            );
            assert!(
                words
                    .iter()
                    .all(|(word, evidence)| text.contains(word) && *evidence >= 0.0)
            );
            named += words.len();
        }
    }
    assert!(named > 3);
    let one = workplace.table(&["--evidence", "1", "--attribute", "gender"]);
    let strongest = |row: &Map<String, Value>| {
        let words = row["gender_evidence"].as_str().unwrap().split_whitespace();
        words.take(1).collect::<String>()
    };
    assert_eq!(one[0]["gender_evidence"], strongest(&table[0]));
    let line = workplace.failure(&["predict", "model", "users.jsonl", "--evidence", "3"]);
    assert!(line.contains("--evidence needs a table"), "{line}");
}
