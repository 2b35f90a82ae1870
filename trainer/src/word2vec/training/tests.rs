use super::*;
use crate::word2vec::TextWriter;

fn settings() -> Settings {
    Settings {
        dimensions: 16,
        window: 2,
        epochs: 30,
        negative: 5,
        learning_rate: 0.05,
        subsample: 0.0,
        threads: 1,
        seed: 1,
    }
}

/// Two topics whose words never meet, and a word too rare to learn.
fn text() -> Text {
    let mut writer = TextWriter::new().unwrap();
    for round in 0..400 {
        let topic = if round % 2 == 0 {
            ["cat", "dog", "paw", "fur"]
        } else {
            ["rain", "wind", "snow", "sun"]
        };
        let words: Vec<&str> = (0..12)
            .map(|place| topic[(place * 5 + round / 2 + place / 3) % 4])
            .collect();
        writer.add_post(words.into_iter()).unwrap();
    }
    writer
        .add_post(["rare", "</s>", "with space", "nul\0", ""].into_iter())
        .unwrap();
    writer.finish().unwrap()
}

fn never() -> AtomicBool {
    AtomicBool::new(false)
}

fn cosine(vectors: &Vectors, one: &str, other: &str) -> f32 {
    let row = |word: &str| {
        let index = vectors
            .words
            .iter()
            .position(|candidate| candidate == word)
            .unwrap();
        &vectors.values[index * vectors.dimensions..][..vectors.dimensions]
    };
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let (a, b) = (row(one), row(other));
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn words_of_one_topic_come_to_lie_together() {
    let text = text();
    assert_eq!(
        (text.words(), text.vocabulary(5), text.vocabulary(1)),
        (4802, 8, 10)
    );
    let mut shares = Vec::new();
    let vectors = train(text, 5, &settings(), &never(), |share| shares.push(share)).unwrap();
    assert_eq!(vectors.dimensions, 16);
    assert_eq!(vectors.words.len(), 8);
    assert_eq!(vectors.values.len(), 8 * 16);
    assert!(cosine(&vectors, "cat", "dog") > cosine(&vectors, "cat", "rain") + 0.05);
    assert!(cosine(&vectors, "snow", "wind") > cosine(&vectors, "snow", "fur") + 0.05);
    assert!(shares.is_sorted());
}

#[test]
fn one_thread_gives_the_same_vectors_each_time() {
    let run = |seed| {
        train(
            text(),
            5,
            &Settings { seed, ..settings() },
            &never(),
            |_| {},
        )
        .unwrap()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).values, run(2).values);
}

#[test]
fn too_little_text_is_an_error() {
    let error = train(text(), 5000, &settings(), &never(), |_| {}).unwrap_err();
    assert!(error.to_string().contains("no word occurs 5000 times"));
    let empty = TextWriter::new().unwrap().finish().unwrap();
    assert!(matches!(
        train(empty, 5, &settings(), &never(), |_| {}),
        Err(TrainingError::NoWords { .. })
    ));
}

#[test]
fn training_can_be_interrupted() {
    let interrupt = AtomicBool::new(true);
    let error = train(text(), 5, &settings(), &interrupt, |_| {}).unwrap_err();
    assert!(matches!(error, TrainingError::Interrupted));
}
