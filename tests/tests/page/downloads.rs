//! The predictions of a file's writers can be saved as files.

use serde_json::{Value, json};
use tests::{TOLERANCE, browser::Visit, predict_all, predict_under, uneven};

use crate::{
    base_rates, object,
    writers::{done, users},
};

#[test]
fn downloads_hold_the_predictions_of_the_command_line() {
    Visit::default().run(async |page| {
        page.ready().await;
        let users = users(50);
        page.give("writers.jsonl", &users).await;
        done(&page, 50).await;
        let predicted = predict_all(&users);

        page.press("Download as JSONL").await;
        let saved = page.saved("writers-attributes.jsonl").await;
        let saved: Vec<Value> = (saved.lines())
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(saved.len(), predicted.len());
        for (saved, predicted) in saved.iter().zip(&predicted) {
            agree(saved, predicted, &predicted["id"].to_string());
        }

        page.press("Download as CSV").await;
        let table = page.saved("writers-attributes.csv").await;
        let mut table = csv::Reader::from_reader(table.as_bytes());
        let header: Vec<String> = table
            .headers()
            .expect("a header")
            .iter()
            .map(String::from)
            .collect();
        assert_eq!(
            header[..5],
            [
                "id",
                "words",
                "known_words",
                "profession",
                "profession_probability"
            ]
        );
        let records: Vec<csv::StringRecord> = table
            .records()
            .map(|record| record.expect("a row"))
            .collect();
        assert_eq!(records.len(), predicted.len());
        for (record, predicted) in records.iter().zip(&predicted) {
            for (column, cell) in header.iter().zip(record) {
                is_cell(cell, column, predicted);
            }
        }
        assert!(
            records.iter().any(|record| &record[0] == "'=1+1"),
            "no id is a formula"
        );
    });
}

#[test]
fn downloads_follow_the_base_rates() {
    base_rates::visit().run(async |page| {
        page.ready().await;
        let users = users(50);
        page.give("writers.jsonl", &users).await;
        done(&page, 50).await;
        base_rates::choose(&page, base_rates::CORPUS).await;
        done(&page, 50).await;
        page.press("Download as JSONL").await;
        let saved = page.saved("writers-attributes.jsonl").await;
        let predicted = predict_under("corpus", &uneven(), &users);
        assert_eq!(saved.lines().count(), predicted.len());
        for (saved, predicted) in saved.lines().zip(&predicted) {
            let saved = serde_json::from_str(saved).expect("JSON");
            agree(&saved, predicted, &predicted["id"].to_string());
        }
    });
}

#[test]
fn the_address_of_a_download_stays_until_the_browser_has_saved_it() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.give("writers.jsonl", users(2)).await;
        done(&page, 2).await;
        // Some browsers only begin to read a blob some time after the click.
        page.script(
            "window.created = 0;
            window.revoked = 0;
            for (const [name, count] of [['createObjectURL', 'created'], ['revokeObjectURL', 'revoked']]) {
                const original = URL[name];
                URL[name] = function (...given) {
                    window[count] += 1;
                    return original.apply(URL, given);
                };
            }",
        )
        .await;
        page.press("Download as CSV").await;
        page.saved("writers-attributes.csv").await;
        assert_eq!(
            page.script("return [window.created, window.revoked]").await,
            json!([1, 0])
        );
    });
}

#[test]
fn a_large_download_froze_the_page() {
    Visit::default().run(async |page| {
        page.ready().await;
        let writers = 2_500;
        page.give("writers.txt", "school\n".repeat(writers)).await;
        done(&page, writers).await;
        page.script(
            "window.parts = [];
            window.Blob = class extends Blob {
                constructor(given, options) {
                    super(given, options);
                    parts.push(given.length);
                }
            }",
        )
        .await;
        page.press("Download as JSONL").await;
        let saved = page.saved("writers-attributes.jsonl").await;
        assert_eq!(saved.lines().count(), writers);
        // Slices of a thousand rows, with other work between them, and the file that they make.
        assert_eq!(page.script("return parts").await, json!([1, 1, 1, 3]));
    });
}

/// Checks that two values are the same, with names in order and numbers within the tolerance.
fn agree(saved: &Value, predicted: &Value, place: &str) {
    match (saved, predicted) {
        (Value::Object(saved), Value::Object(predicted)) => {
            assert!(saved.keys().eq(predicted.keys()), "{place}: {saved:?}");
            for (name, saved) in saved {
                agree(saved, &predicted[name], &format!("{place}.{name}"));
            }
        }
        (Value::Number(saved), Value::Number(predicted)) if predicted.is_f64() => {
            let [saved, predicted] =
                [saved, predicted].map(|number| number.as_f64().expect("a number"));
            assert!(
                (saved - predicted).abs() <= TOLERANCE,
                "{place}: {saved} and {predicted}"
            );
        }
        _ => assert_eq!(saved, predicted, "{place}"),
    }
}

/// Checks a cell of the CSV file against the command's prediction for the user.
fn is_cell(cell: &str, column: &str, predicted: &Value) {
    if ["id", "words", "known_words"].contains(&column) {
        let predicted = &predicted[column];
        let predicted = predicted
            .as_str()
            .map_or_else(|| predicted.to_string(), String::from);
        assert_eq!(cell.trim_start_matches('\''), predicted);
        return;
    }
    let distributions = object(&predicted["predictions"]).iter();
    let distributions = distributions.flat_map(|(name, prediction)| {
        [
            (format!("{name}_coarse"), &prediction["coarse"]),
            (name.clone(), prediction),
        ]
    });
    let (name, prediction) = { distributions }
        .find(|(name, _)| column.starts_with(name.as_str()))
        .expect("an attribute");
    let label = prediction["label"].as_str().unwrap_or_default();
    let close = |class: &str| {
        let predicted = object(&prediction["probabilities"])[class]
            .as_f64()
            .expect("a number");
        let cell: f64 = cell.parse().expect("a number");
        assert!(
            (cell - predicted).abs() <= TOLERANCE,
            "{column}: {cell} and {predicted}"
        );
    };
    match column[name.len()..].strip_prefix('_') {
        None => assert_eq!(cell, label, "{column}"),
        Some("probability") if label.is_empty() => assert_eq!(cell, "", "{column}"),
        Some("probability") => close(label),
        Some("confident") => assert_eq!(cell, prediction["confident"].to_string(), "{column}"),
        Some(class) => close(class),
    }
}
