//! `auxlstm align` as its users meet it: as a process, on languages that are made up here.

mod common;

use common::Workplace;
use rand::{Rng, SeedableRng, rngs::StdRng};
use trainer::word2vec::{Vectors, read_vectors};

const WORDS: usize = 60;

/// Vectors of the words `a0`, `a1` … and of the same language turned and three times as long, whose words begin with `b`; both
/// write `ok`.
fn write_languages(workplace: &Workplace) {
    let mut random = StdRng::seed_from_u64(3);
    let (mut one, mut other) = (format!("{} 6\n", WORDS + 1), format!("{} 6\n", WORDS + 1));
    for word in 0..=WORDS {
        let values: Vec<f32> = (0..6).map(|_| random.random_range(-1.0..1.0)).collect();
        let turned: Vec<f32> = [4, 2, 0, 5, 1, 3].map(|place| values[place] * 3.0).to_vec();
        let line = |text: &mut String, name: char, values: &[f32]| {
            let word = if word == WORDS {
                "ok".into()
            } else {
                format!("{name}{word}")
            };
            let values: Vec<String> = values.iter().map(f32::to_string).collect();
            text.push_str(&format!("{word} {}\n", values.join(" ")));
        };
        line(&mut one, 'a', &values);
        line(&mut other, 'b', &turned);
    }
    workplace.write("a.txt", one);
    workplace.write("b.txt", other);
    let pairs: String = (0..50).map(|word| format!("a{word} b{word}\n")).collect();
    workplace.write("pairs.txt", pairs);
}

#[test]
fn words_that_mean_the_same_come_to_lie_together() {
    let workplace = Workplace::new();
    write_languages(&workplace);
    let align = |dictionary: &str| {
        workplace.success(&[
            "align",
            "a.txt",
            "b.txt",
            "--dictionary",
            dictionary,
            "-o",
            "both.bin",
        ])
    };
    let report = align("pairs.txt");
    assert!(
        report.contains("learned from 35 pairs of the dictionary and 1 shared words"),
        "{report}"
    );
    let last = report.lines().last().unwrap();
    assert_eq!(last.matches("100.0 %").count(), 4, "{report}");
    let Vectors {
        words,
        values,
        dimensions,
    } = read_vectors(&workplace.path("both.bin")).unwrap();
    assert_eq!((words.len(), dimensions), (2 * WORDS + 1, 6));
    let row = |word: &str| {
        let place = words.iter().position(|other| other == word).unwrap();
        &values[place * 6..][..6]
    };
    // Also those that are in no dictionary.
    for word in 0..WORDS {
        let (one, other) = (row(&format!("a{word}")).to_vec(), row(&format!("b{word}")));
        for (one, other) in one.iter().zip(other) {
            assert!((one - other).abs() < 0.05, "a{word}: {one} is not {other}");
        }
    }
    // The dictionary may have its columns the other way round.
    let turned: String = (0..50).map(|word| format!("b{word}\ta{word}\n")).collect();
    workplace.write("turned.txt", turned);
    assert_eq!(align("turned.txt"), report);
}

#[test]
fn what_cannot_be_aligned_is_said_in_one_line_and_leaves_nothing() {
    let workplace = Workplace::new();
    write_languages(&workplace);
    workplace.write("short.txt", "2 2\na0 1 2\na1 2 1\n");
    workplace.write("few.txt", "a1 b1\n");
    workplace.write("bad.txt", "a1 b1\na2 b2 b3\n");
    for (source, dictionary, output, what) in [
        (
            "a.txt",
            "pairs.txt",
            "v",
            "v: unknown format; name the file .bin, .txt or .vec",
        ),
        ("none.txt", "pairs.txt", "v.bin", "none.txt"),
        (
            "short.txt",
            "pairs.txt",
            "v.bin",
            "have 2 and 6 dimensions; both need the same number",
        ),
        ("a.txt", "none.txt", "v.bin", "dictionary none.txt: "),
        ("a.txt", "few.txt", "v.bin", "has 1 pairs of words"),
        (
            "a.txt",
            "bad.txt",
            "v.bin",
            "dictionary bad.txt: line 2 is neither",
        ),
    ] {
        let line = workplace.failure(&[
            "align",
            source,
            "b.txt",
            "--dictionary",
            dictionary,
            "-o",
            output,
        ]);
        assert!(line.contains(what), "{line}");
    }
    let left = [
        "a.txt",
        "b.txt",
        "bad.txt",
        "few.txt",
        "pairs.txt",
        "short.txt",
    ];
    assert_eq!(workplace.files(), left);
}

#[test]
fn code_switched_text_puts_translations_together() {
    let workplace = Workplace::new();
    let topics = [
        ["rain", "雨"],
        ["tea", "茶"],
        ["cat", "猫"],
        ["dog", "狗"],
        ["sea", "海"],
        ["moon", "月"],
    ];
    let mut posts = String::new();
    for round in 0..3000 {
        let (topic, other) = (round % 6, (round / 6) % 6);
        for (language, (word, noise)) in topics[topic].into_iter().zip(topics[other]).enumerate() {
            let context = format!("w{topic}{language} v{topic}{language}");
            posts += &format!("{context} {word} {context} {noise}\n");
        }
    }
    workplace.write("posts.txt", posts);
    let pairs: String = topics
        .map(|[one, other]| format!("{other} {one}\n"))
        .concat();
    workplace.write("pairs.txt", pairs);
    let nearest = |arguments: &[&str]| {
        let embed = [
            "embed",
            "posts.txt",
            "--dimensions",
            "16",
            "--threads",
            "1",
            "--subsample",
            "0",
            "-o",
            "v.bin",
        ];
        workplace.success(&[&embed, arguments].concat());
        let vectors = read_vectors(&workplace.path("v.bin")).unwrap();
        let row = |word: &str| {
            let place = vectors
                .words
                .iter()
                .position(|other| other == word)
                .unwrap();
            &vectors.values[place * 16..][..16]
        };
        let cosine = |one: &str, other: &str| {
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
            let (a, b) = (row(one), row(other));
            dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
        };
        let is_nearest = |topic: &usize| {
            let [word, translation] = topics[*topic];
            let of = |other: usize| cosine(word, topics[other][1]);
            (0..6)
                .filter(|other| other != topic)
                .all(|other| of(other) < cosine(word, translation))
        };
        (0..6).filter(is_nearest).count()
    };
    let switched = nearest(&["--translations", "pairs.txt", "--held-out", "0"]);
    assert_eq!(switched, 6);
    assert!(nearest(&[]) < 6);
    let line = workplace.failure(&[
        "embed",
        "posts.txt",
        "--translations",
        "none.txt",
        "-o",
        "v.bin",
    ]);
    assert!(line.contains("dictionary none.txt: "), "{line}");
}
