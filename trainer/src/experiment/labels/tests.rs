use super::*;
use crate::corpus::{User, UserKey};
use std::path::Path;

/// All labels, as they are.
const ALL: Labels = Labels {
    share: 1.0,
    shuffled: false,
};

/// 1,000 users: one in ten is of class 1 of the main attribute; the auxiliary class is the main one.
fn users() -> (Vec<Example>, Parts) {
    let users = (0..1000)
        .map(|index| Example {
            key: UserKey::new(Path::new("users.jsonl"), &User::default()),
            words: [2].into(),
            classes: vec![Some(usize::from(index % 10 == 0)); 2],
            intervals: vec![None; 2],
            file: 0,
            fingerprint: 0,
        })
        .collect();
    let parts = Parts {
        training: (0..600).collect(),
        validation: (600..800).collect(),
        test: (800..1000).collect(),
    };
    (users, parts)
}

fn labelled(users: &[Example], part: &[usize], class: usize) -> Vec<usize> {
    let mut part = part.to_vec();
    part.retain(|&user| users[user].classes[0] == Some(class));
    part
}

#[test]
fn each_class_keeps_its_share_and_smaller_shares_are_parts_of_larger_ones() {
    let (users, parts) = users();
    let of = |share: f64, seed: u64| {
        let labels = Labels { share, ..ALL };
        labels.of(&users, &parts, 0, &[1], seed)
    };
    let tenth = of(0.1, 1);
    for (part, class, expected) in [
        (&parts.training, 0, 54),
        (&parts.training, 1, 6),
        (&parts.validation, 0, 18),
        (&parts.validation, 1, 2),
        (&parts.test, 0, 180),
        (&parts.test, 1, 20),
    ] {
        assert_eq!(labelled(&tenth, part, class).len(), expected);
    }
    let fifth = labelled(&of(0.2, 1), &parts.training, 0);
    let tenth = labelled(&tenth, &parts.training, 0);
    assert!(tenth.iter().all(|user| fifth.contains(user)));
    assert_ne!(labelled(&of(0.1, 2), &parts.training, 0), tenth);
    // A class that would have none keeps one.
    assert_eq!(labelled(&of(0.001, 1), &parts.training, 1).len(), 1);
    // Auxiliary labels stay.
    assert!(of(0.1, 1).iter().all(|user| user.classes[1].is_some()));
}

#[test]
fn shuffled_labels_are_as_many_and_tell_nothing() {
    let (users, parts) = users();
    let labels = Labels {
        shuffled: true,
        ..ALL
    };
    let shuffled = labels.of(&users, &parts, 0, &[1], 1);
    let is_rare = |user: &&usize| shuffled[**user].classes[1] == Some(1);
    assert_eq!(parts.training.iter().filter(is_rare).count(), 60);
    let both = (parts.training.iter().filter(is_rare))
        .filter(|&&user| shuffled[user].classes[0] == Some(1))
        .count();
    // A tenth of 60 by chance; all of them before.
    assert!((1..=14).contains(&both), "{both}");
    let main = shuffled.iter().map(|user| user.classes[0]);
    assert!(main.eq(users.iter().map(|user| user.classes[0])));
    assert_eq!(ALL.of(&users, &parts, 0, &[1], 1), users);
}
