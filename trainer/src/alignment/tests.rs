use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use serde::Deserialize;

use super::*;

/// Reference values of `tests/reference/alignment/make.py`.
#[derive(Deserialize)]
struct Expected {
    dimensions: usize,
    source: Vec<Vec<f32>>,
    target: Vec<Vec<f32>>,
    pairs: usize,
    tested: usize,
    rounds: Vec<ExpectedRound>,
    moved: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
struct ExpectedRound {
    pairs: usize,
    forth: [usize; 2],
    back: [usize; 2],
}

fn expected() -> Expected {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let file = File::open(root.join("../tests/reference/alignment/expected.json")).unwrap();
    serde_json::from_reader(BufReader::new(file)).unwrap()
}

/// Vectors of words that begin with `name`.
fn vectors(name: char, rows: &[Vec<f32>]) -> Vectors {
    Vectors {
        words: (0..rows.len())
            .map(|word| format!("{name}{word}"))
            .collect(),
        values: rows.concat(),
        dimensions: rows[0].len(),
    }
}

#[test]
fn rounds_and_vectors_are_those_of_numpy() {
    let expected = expected();
    let (source, target) = (
        vectors('s', &expected.source),
        vectors('t', &expected.target),
    );
    let pairs = |words: std::ops::Range<usize>| words.map(|word| (word, word)).collect();
    let pairs = Pairs {
        learned: pairs(0..expected.pairs),
        shared: Vec::new(),
        tested: pairs(expected.pairs..expected.pairs + expected.tested),
    };
    let settings = Settings {
        rounds: expected.rounds.len() - 1,
        ..Settings::default()
    };
    let (moved, rounds) = learn(&source, &target, &pairs, &settings);
    for (found, expected_round) in rounds.iter().zip(&expected.rounds) {
        assert_eq!(found.pairs, expected_round.pairs);
        assert_eq!(found.forth.words, expected.tested);
        assert_eq!([found.forth.at_1, found.forth.at_5], expected_round.forth);
        assert_eq!([found.back.at_1, found.back.at_5], expected_round.back);
    }
    assert_eq!(rounds.len(), expected.rounds.len());
    let rows = moved.values.chunks_exact(expected.dimensions);
    for (row, expected) in rows.zip(&expected.moved) {
        for (value, expected) in row.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-4, "{value} is not {expected}");
        }
    }
}

#[test]
fn words_of_both_languages_are_in_one_table() {
    let expected = expected();
    let mut source = vectors('s', &expected.source);
    let target = vectors('t', &expected.target);
    // The third word is one of both, and so is a Chinese one, which is not learned from.
    source.words[2] = "t5".into();
    source.words[3] = "汉".into();
    let mut target = target;
    target.words[7] = "汉".into();
    let dictionary: Vec<(String, String)> = (0..60)
        .map(|word| (target.words[word].clone(), source.words[word].clone()))
        .chain([("t1".into(), "unknown".into())])
        .collect();
    let alignment = align(&source, &target, &dictionary, &Settings::default()).unwrap();
    assert_eq!(alignment.shared_words, 1);
    assert_eq!(alignment.dictionary_pairs, 47);
    assert_eq!(alignment.rounds.len(), 6);
    assert!(alignment.rounds.iter().all(|round| round.forth.words == 13));
    let words = &alignment.vectors.words;
    assert_eq!(words.len(), 2 * 120 - 2);
    assert_eq!(words[..6], ["t0", "s0", "t1", "s1", "t2", "s4"]);
    for (place, word) in words.iter().enumerate() {
        if let Some(of_target) = target.words.iter().position(|other| other == word) {
            let row = &alignment.vectors.values[place * 8..][..8];
            assert_eq!(row, expected.target[of_target]);
        }
    }
    // The seed decides who is held out.
    let again = align(&source, &target, &dictionary, &Settings::default()).unwrap();
    assert_eq!(again, alignment);
}

#[test]
fn what_cannot_be_aligned_is_said() {
    let expected = expected();
    let (source, target) = (
        vectors('s', &expected.source),
        vectors('t', &expected.target),
    );
    let pairs: Vec<_> = (0..19)
        .map(|word| (format!("s{word}"), format!("t{word}")))
        .collect();
    let refused = align(&source, &target, &pairs, &Settings::default()).unwrap_err();
    assert!(refused.to_string().contains("has 19 pairs"), "{refused}");
    let short = Vectors {
        dimensions: 4,
        ..target
    };
    let refused = align(&source, &short, &pairs, &Settings::default()).unwrap_err();
    assert!(
        refused.to_string().contains("8 and 4 dimensions"),
        "{refused}"
    );
}
