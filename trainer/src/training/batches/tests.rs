use super::*;
use crate::corpus::{User, UserKey};
use std::path::Path;

fn training(batch_size: usize, window_words: usize) -> Training {
    Training {
        batch_size,
        window_words,
        ..Training::default()
    }
}

fn users() -> Vec<Example> {
    (0..500)
        .map(|index| Example {
            key: UserKey::new(Path::new("users.jsonl"), &User::default()),
            words: vec![2; 1 + index % 97].into(),
            classes: vec![],
            intervals: vec![],
            file: 0,
            fingerprint: 0,
        })
        .collect()
}

#[test]
fn every_user_is_in_one_batch_with_a_window_of_the_text() {
    let users = users();
    let part: Vec<usize> = (0..500).step_by(2).collect();
    let batches = of_epoch(&users, &part, &training(16, 20), 1, 0);
    let mut seen: Vec<usize> = batches.iter().flatten().map(|item| item.user).collect();
    seen.sort_unstable();
    assert_eq!(seen, part);
    for item in batches.iter().flatten() {
        let length = users[item.user].words.len();
        assert!(item.words.end <= length && item.words.len() == length.min(20));
    }
    let sizes: Vec<usize> = batches.iter().map(Vec::len).collect();
    assert!(sizes.iter().all(|size| (8..24).contains(size)), "{sizes:?}");
    for size in [1, 2, 7, 16, 100, 166, 167, 249, 250, 1000] {
        let batches = of_epoch(&users, &part, &training(size, 20), 1, 0);
        assert_eq!(
            batches.len(),
            count(part.len(), size),
            "{size} users a batch"
        );
    }
    assert_eq!(batches, of_epoch(&users, &part, &training(16, 20), 1, 0));
    assert_ne!(batches, of_epoch(&users, &part, &training(16, 20), 1, 1));
}

#[test]
fn batches_hold_texts_of_like_length() {
    let users = users();
    let part: Vec<usize> = (0..500).collect();
    let batches = of_epoch(&users, &part, &training(16, 0), 1, 0);
    let (words, steps) = batches.iter().fold((0, 0), |(words, steps), batch| {
        let lengths = batch.iter().map(|item| item.words.len());
        (
            words + lengths.clone().sum::<usize>(),
            steps + batch.len() * lengths.max().unwrap_or(0),
        )
    });
    assert!(
        (steps as f64) < 1.15 * words as f64,
        "{steps} steps for {words} words, if each text took those of the longest"
    );
}

#[test]
fn even_batches_have_users_of_each_file_in_the_same_proportion() {
    let users: Vec<Example> = (users().into_iter().enumerate())
        .map(|(index, user)| Example {
            file: usize::from(index % 4 == 0),
            ..user
        })
        .collect();
    let part: Vec<usize> = (0..500).collect();
    let training = Training {
        batches: config::Batches::Even,
        length_temperature: 100.0,
        ..training(20, 0)
    };
    let batches = of_epoch(&users, &part, &training, 1, 0);
    for batch in &batches {
        let second = batch.iter().filter(|item| users[item.user].file == 1);
        assert!((4..=6).contains(&second.count()), "{batch:?}");
    }
    assert_ne!(batches, of_epoch(&users, &part, &training, 1, 1));
}

#[test]
fn windows_are_drawn_from_short_to_long() {
    let users: Vec<Example> = (users().into_iter())
        .map(|user| Example {
            words: vec![2; 1000].into(),
            ..user
        })
        .collect();
    let part: Vec<usize> = (0..500).collect();
    let training = Training {
        min_window_words: 10,
        length_temperature: 100.0,
        ..training(16, 640)
    };
    let batches = of_epoch(&users, &part, &training, 1, 0);
    let lengths = || batches.iter().flatten().map(|item| item.words.len());
    assert!(lengths().all(|words| (10..=640).contains(&words)));
    // As many in each third of the logarithms: 10 to 40, 40 to 160, 160 to 640.
    for third in [10..40, 40..160, 160..641] {
        let windows = lengths().filter(|words| third.contains(words)).count();
        assert!((130..=204).contains(&windows), "{third:?}: {windows}");
    }
    let mixed = |batch: &Vec<Item>| {
        let words = || batch.iter().map(|item| item.words.len());
        words().min() < Some(80) && words().max() > Some(80)
    };
    assert!(batches.iter().all(mixed));
}
