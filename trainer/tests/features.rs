//! Textual features against scikit-learn's TF-IDF and numpy's patterns, see `tests/reference/features/make.py`; and
//! what must hold for any texts.

use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;

use flate2::read::GzDecoder;
use model_core::text::Segmenter;
use proptest::prelude::*;
use serde::Deserialize;
use trainer::features::{
    FeatureError, Features, FittedFeatures, Formality, PartOfSpeech, Patterns, Tagger, Terms, Unit,
    Value,
};

#[derive(Deserialize)]
struct Reference {
    training: Vec<Vec<String>>,
    others: Vec<Vec<String>>,
    tf_idf: Vec<TfIdfCase>,
    patterns: Vec<PatternCase>,
}

#[derive(Deserialize)]
struct TfIdfCase {
    settings: Terms,
    terms: Vec<String>,
    rows: Vec<Vec<(u32, f32)>>,
}

#[derive(Deserialize)]
struct PatternCase {
    settings: Patterns,
    users: Vec<Vec<Vec<PartOfSpeech>>>,
    frequent: usize,
    patterns: Vec<Vec<PartOfSpeech>>,
    boolean: Vec<Vec<f32>>,
    frequency: Vec<Vec<f32>>,
}

fn repository_file(path: &str) -> BufReader<File> {
    let path = format!(
        "{}/../{path}",
        std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")
    );
    BufReader::new(File::open(path).unwrap())
}

fn reference() -> Reference {
    serde_json::from_reader(repository_file("tests/reference/features/reference.json")).unwrap()
}

/// Features that are nothing but `terms`.
fn only(terms: Terms) -> Features {
    Features {
        terms: vec![terms],
        formality: Formality { weight: 0.0 },
        patterns: Patterns {
            weight: 0.0,
            ..Patterns::default()
        },
        ..Features::default()
    }
}

fn close(ours: &[(u32, f32)], reference: &[(u32, f32)]) {
    assert_eq!(ours.len(), reference.len());
    for (ours, reference) in ours.iter().zip(reference) {
        assert_eq!(ours.0, reference.0);
        assert!(
            (ours.1 - reference.1).abs() < 2e-7,
            "{ours:?} {reference:?}"
        );
    }
}

#[test]
fn tf_idf_is_that_of_scikit_learn() {
    let reference = reference();
    assert_eq!(reference.tf_idf.len(), 5);
    let segmenter = Segmenter::new();
    for case in reference.tf_idf {
        let fitted = only(case.settings.clone())
            .fit(&segmenter, &reference.training)
            .unwrap();
        assert_eq!(fitted.terms()[0].terms(), case.terms, "{:?}", case.settings);
        assert_eq!(fitted.width(), case.terms.len());
        let users = reference.training.iter().chain(&reference.others);
        assert_eq!(users.clone().count(), case.rows.len());
        for (posts, expected) in users.zip(&case.rows) {
            close(&fitted.row(&segmenter, posts), expected);
        }
    }
}

#[test]
fn patterns_are_those_of_their_definition() {
    let cases = reference().patterns;
    assert!(cases.iter().any(|case| case.patterns.len() < case.frequent));
    for case in cases {
        for (value, expected) in [
            (Value::Boolean, &case.boolean),
            (Value::Frequency, &case.frequency),
        ] {
            let users: Vec<_> = case.users.iter().map(Vec::as_slice).collect();
            let settings = Patterns {
                value,
                weight: 1.0,
                ..case.settings.clone()
            };
            let fitted = settings.fit(&users).unwrap();
            assert_eq!(fitted.patterns(), case.patterns);
            assert_eq!(users.len(), expected.len());
            for (posts, expected) in users.iter().zip(expected) {
                let expected: Vec<(u32, f32)> = (0u32..)
                    .zip(expected.iter().copied())
                    .filter(|&(_, value)| value > 0.0)
                    .collect();
                close(&fitted.columns(posts), &expected);
            }
        }
    }
}

/// The share of tokens of invented sentences whose part of speech is the one written beside the sentence.
fn accuracy(segmenter: &Segmenter, sentences: &[(&str, &str)]) -> f64 {
    let tagger = Tagger::new(segmenter);
    let (mut right, mut all) = (0, 0);
    for (sentence, parts) in sentences {
        let tokens = tagger.tokens(sentence, &segmenter.words(sentence));
        let parts: Vec<&str> = parts.split(' ').collect();
        assert_eq!(tokens.len(), parts.len(), "{sentence}");
        all += parts.len();
        right += (tokens.iter().zip(parts))
            .filter(|(token, part)| token.part.as_ref() == *part)
            .count();
    }
    f64::from(right as u32) / f64::from(all as u32)
}

#[test]
fn english_is_tagged() {
    let accuracy = accuracy(&Segmenter::new(), &ENGLISH);
    assert!(accuracy > 0.95, "{accuracy}");
}

#[test]
fn chinese_is_tagged_by_its_dictionary() {
    let dictionary = GzDecoder::new(repository_file("public/dictionary/zh.txt.gz"));
    let segmenter = Segmenter::with_dictionary(BufReader::new(dictionary)).unwrap();
    let accuracy = accuracy(&segmenter, &CHINESE);
    assert!(accuracy > 0.92, "{accuracy}");
    let post = "我们 bought 小说😋 http://t.cn/abc";
    let tagger = Tagger::new(&segmenter);
    let tokens = tagger.tokens(post, &segmenter.words(post));
    let parts: Vec<&str> = tokens.iter().map(|token| token.part.as_ref()).collect();
    assert_eq!(parts, ["PRON", "VERB", "NOUN", "SYM", "SYM"]);
}

/// Posts of users who write alike but for a few words.
fn posts(users: &[&str]) -> Vec<Vec<String>> {
    users.iter().map(|text| vec![(*text).to_owned()]).collect()
}

fn training() -> Vec<Vec<String>> {
    posts(&[
        "The old house stands at the end of a long street. I don't like it!",
        "my dog ate the homework and i was like what?? lol",
        "We have a new teacher in the old school, and she is really nice.",
        "The report of the committee describes a new method for the analysis of results.",
    ])
}

fn features() -> Features {
    Features {
        terms: vec![
            Terms {
                min_users: 1,
                ..Terms::default()
            },
            Terms {
                unit: Unit::Characters,
                longest: 3,
                min_users: 2,
                ..Terms::default()
            },
        ],
        patterns: Patterns {
            weight: 1.0,
            ..Patterns::default()
        },
        ..Features::default()
    }
}

#[test]
fn groups_stand_side_by_side_and_weigh_alike() {
    let segmenter = Segmenter::new();
    let fitted = features().fit(&segmenter, &training()).unwrap();
    let [words, characters] = fitted.terms() else {
        panic!("two groups of terms");
    };
    let patterns = fitted.patterns().unwrap().width();
    assert_eq!(
        fitted.width(),
        words.terms().len() + characters.terms().len() + 1 + patterns
    );
    let mut formal = Vec::new();
    for row in fitted.rows(&segmenter, &training()) {
        let mut start = 0;
        for (width, length) in [
            (words.terms().len(), 1.0),
            (characters.terms().len(), 1.0),
            (1, 0.0),
            (patterns, 1.0),
        ] {
            let group = start as u32..(start + width) as u32;
            let values = row.iter().filter(|(column, _)| group.contains(column));
            let squares: f32 = values.map(|(_, value)| value * value).sum();
            if width == 1 {
                formal.extend(
                    row.iter()
                        .find(|(column, _)| *column == group.start)
                        .map(|cell| cell.1),
                );
            } else {
                assert!((squares - length).abs() < 1e-5, "{squares}");
            }
            start += width;
        }
    }
    // The chatty second user is the least formal, the report the most, and none is out of range.
    assert_eq!(formal.len(), 4);
    assert!(formal.iter().all(|value| value.abs() <= 1.0));
    assert!(formal[1] < formal[0] && formal[1] < formal[2], "{formal:?}");
    assert!(formal[3] > formal[0] && formal[3] > formal[2], "{formal:?}");
}

#[test]
fn weights_scale_groups_and_0_leaves_them_out() {
    let segmenter = Segmenter::new();
    let mut features = features();
    features.terms[1].weight = 0.0;
    features.formality.weight = 0.0;
    features.patterns.weight = 0.0;
    let plain = features.fit(&segmenter, &training()).unwrap();
    features.terms[0].weight = 2.0;
    let doubled = features.fit(&segmenter, &training()).unwrap();
    assert_eq!(plain.width(), plain.terms()[0].terms().len());
    assert_eq!(plain.width(), doubled.width());
    let (plain, doubled) = (
        plain.row(&segmenter, &training()[0]),
        doubled.row(&segmenter, &training()[0]),
    );
    for (plain, doubled) in plain.iter().zip(&doubled) {
        assert!((2.0 * plain.1 - doubled.1).abs() < 1e-6);
    }
}

#[test]
fn only_training_users_are_learned_from() {
    let segmenter = Segmenter::new();
    let fitted = features().fit(&segmenter, &training()).unwrap();
    let knows_stranger = |fitted: &FittedFeatures| {
        let mut words = fitted.terms()[0].terms().iter();
        words.any(|word| word == "zymurgy")
    };
    let stranger = ["Zymurgy zymurgy, wow wow wow zymurgy".to_owned()];
    let row = fitted.row(&segmenter, &stranger);
    assert!(!knows_stranger(&fitted));
    assert!(
        row.iter()
            .all(|&(column, _)| (column as usize) < fitted.width())
    );
    // No word of the stranger's is known, so the group of words is empty.
    let words = fitted.terms()[0].terms().len() as u32;
    assert!(row.iter().all(|&(column, _)| column >= words));
    assert!(!row.is_empty(), "characters and parts of speech are known");
    let with_stranger = [training(), vec![stranger.to_vec()]].concat();
    let with_stranger = features().fit(&segmenter, &with_stranger).unwrap();
    assert!(knows_stranger(&with_stranger));
}

#[test]
fn posts_are_read_up_to_the_maximum_and_not_joined() {
    let segmenter = Segmenter::new();
    let pairs = Features {
        max_words: 4,
        ..only(Terms {
            shortest: 2,
            longest: 2,
            min_users: 1,
            ..Terms::default()
        })
    };
    let user = vec!["one two".to_owned(), "three four five".to_owned()];
    let fitted = pairs.fit(&segmenter, &[user]).unwrap();
    assert_eq!(fitted.terms()[0].terms(), ["one two", "three four"]);
}

#[test]
fn chinese_characters_have_no_spaces_between_them() {
    let dictionary = GzDecoder::new(repository_file("public/dictionary/zh.txt.gz"));
    let segmenter = Segmenter::with_dictionary(BufReader::new(dictionary)).unwrap();
    let pairs = only(Terms {
        unit: Unit::Characters,
        shortest: 2,
        longest: 2,
        min_users: 1,
        ..Terms::default()
    });
    let fitted = pairs.fit(&segmenter, &posts(&["我喜欢，图书馆"])).unwrap();
    assert_eq!(
        fitted.terms()[0].terms(),
        [" 图", "书馆", "喜欢", "图书", "我喜", "欢 "]
    );
}

#[test]
fn settings_out_of_range_and_texts_with_nothing_are_told() {
    let segmenter = Segmenter::new();
    let fit = |change: fn(&mut Features)| {
        let mut features = features();
        change(&mut features);
        features.fit(&segmenter, &training()).unwrap_err()
    };
    for (change, what) in [
        (
            (|features| features.max_words = 0) as fn(&mut Features),
            "max_words is 0",
        ),
        (
            |features| features.terms[0].shortest = 0,
            "terms of 0 to 1 units",
        ),
        (
            |features| features.terms[1].shortest = 4,
            "terms of 4 to 3 units",
        ),
        (|features| features.terms[0].weight = -1.0, "a weight is -1"),
        (
            |features| features.formality.weight = f32::NAN,
            "a weight is NaN",
        ),
        (
            |features| features.patterns.min_support = 1.5,
            "patterns.min_support is 1.5",
        ),
        (
            |features| features.patterns.longest = 0,
            "patterns.longest is 0",
        ),
    ] {
        let error = fit(change);
        assert!(matches!(error, FeatureError::Setting(_)));
        assert!(error.to_string().contains(what), "{error}");
        assert!(error.to_string().contains("permitted"), "{error}");
    }
    let rare = fit(|features| features.terms[0].min_users = 5);
    assert!(rare.to_string().contains("lower min_users"), "{rare}");
    let nobody: [Vec<String>; 0] = [];
    let error = features().fit(&segmenter, &nobody).unwrap_err();
    assert!(matches!(error, FeatureError::Nothing(_)), "{error}");
    let silent = [vec![String::new()]];
    assert!(features().fit(&segmenter, &silent).is_err());
}

#[test]
fn a_user_without_words_has_an_empty_row() {
    let segmenter = Segmenter::new();
    let fitted = features().fit(&segmenter, &training()).unwrap();
    assert_eq!(fitted.row(&segmenter, &[]), []);
    assert_eq!(fitted.row(&segmenter, &[" , ".to_owned()]), []);
}

proptest! {
    #[test]
    fn rows_are_sorted_unique_finite_and_within_the_width(
        learned in prop::collection::vec(prop::collection::vec("[a-dA-D我们的 !?,.'😋]{0,30}", 1..4), 3..6),
        read in prop::collection::vec("\\PC{0,60}|[a-dA-D我们的 !?,.'😋]{0,30}", 0..4),
    ) {
        let segmenter = Segmenter::new();
        let features = Features {
            terms: [Unit::Words, Unit::Characters, Unit::CharactersWithinWords]
                .map(|unit| Terms { unit, longest: 3, min_users: 1, ..Terms::default() })
                .to_vec(),
            ..Features::default()
        };
        match features.fit(&segmenter, &learned) {
            Ok(fitted) => {
                let terms = fitted.terms().iter().flat_map(|group| group.terms().windows(2));
                for pair in terms {
                    prop_assert!(pair[0] < pair[1]);
                }
                let patterns = fitted.patterns().unwrap().patterns();
                let different: HashSet<_> = patterns.iter().collect();
                prop_assert_eq!(different.len(), patterns.len());
                for user in learned.iter().chain([&read]) {
                    let row = fitted.row(&segmenter, user);
                    for pair in row.windows(2) {
                        prop_assert!(pair[0].0 < pair[1].0);
                    }
                    for (column, value) in row {
                        prop_assert!((column as usize) < fitted.width());
                        prop_assert!(value.is_finite() && value != 0.0 && value.abs() <= 1.000_001);
                    }
                }
            }
            // Only texts without a word, or with no frequent pattern, give nothing.
            Err(error) => prop_assert!(matches!(error, FeatureError::Nothing(_))),
        }
    }
}

const ENGLISH: [(&str, &str); 22] = [
    (
        "I don't know what to do.",
        "PRON AUX PART VERB PRON PART VERB PUNCT",
    ),
    (
        "My mom was cooking dinner when they called us yesterday.",
        "PRON NOUN AUX VERB NOUN SCONJ PRON VERB PRON NOUN PUNCT",
    ),
    ("that movie was sooo good lol", "DET NOUN AUX ADV ADJ INTJ"),
    (
        "The manager of the bank will meet our new clients on Friday.",
        "DET NOUN ADP DET NOUN AUX VERB PRON ADJ NOUN ADP PROPN PUNCT",
    ),
    (
        "im gonna go to bed, i have a math test tomorrow",
        "PRON AUX VERB PART VERB ADP NOUN PUNCT PRON VERB DET NOUN NOUN NOUN",
    ),
    (
        "She has never been to Canada, but she wants to visit Toronto next summer.",
        "PRON AUX ADV AUX ADP PROPN PUNCT CCONJ PRON VERB PART VERB PROPN ADJ NOUN PUNCT",
    ),
    (
        "We installed the server and it crashed twice during the night.",
        "PRON VERB DET NOUN CCONJ PRON VERB ADV ADP DET NOUN PUNCT",
    ),
    (
        "haha yeah my brother is so annoying!",
        "INTJ INTJ PRON NOUN AUX ADV ADJ PUNCT",
    ),
    (
        "If you can read this, you are standing too close.",
        "SCONJ PRON AUX VERB PRON PUNCT PRON AUX VERB ADV ADJ PUNCT",
    ),
    (
        "There were three dogs in the garden and none of them barked.",
        "PRON VERB NUM NOUN ADP DET NOUN CCONJ NOUN ADP PRON VERB PUNCT",
    ),
    (
        "The government announced a strict policy on taxes.",
        "DET NOUN VERB DET ADJ NOUN ADP NOUN PUNCT",
    ),
    (
        "I really love this song because it reminds me of you.",
        "PRON ADV VERB DET NOUN SCONJ PRON VERB PRON ADP PRON PUNCT",
    ),
    (
        "he said that he would come over after school",
        "PRON VERB SCONJ PRON AUX VERB ADV ADP NOUN",
    ),
    (
        "Students should bring their own books and pencils.",
        "NOUN AUX VERB PRON ADJ NOUN CCONJ NOUN PUNCT",
    ),
    (
        "omg i cant believe she dumped him",
        "INTJ PRON AUX PART VERB PRON VERB PRON",
    ),
    (
        "The painting hangs above an old wooden desk.",
        "DET NOUN VERB ADP DET ADJ ADJ NOUN PUNCT",
    ),
    (
        "Nobody told us where the party was.",
        "PRON VERB PRON ADV DET NOUN AUX PUNCT",
    ),
    (
        "After work I walked home slowly and listened to the rain.",
        "ADP NOUN PRON VERB ADV ADV CCONJ VERB ADP DET NOUN PUNCT",
    ),
    (
        "It's raining again and I'm bored out of my mind.",
        "PRON AUX VERB ADV CCONJ PRON AUX ADJ ADP ADP PRON NOUN PUNCT",
    ),
    (
        "The report describes several methods for the analysis of financial data.",
        "DET NOUN VERB ADJ NOUN ADP DET NOUN ADP ADJ NOUN PUNCT",
    ),
    (
        "wow, you guys are awesome!!",
        "INTJ PUNCT PRON NOUN AUX ADJ PUNCT",
    ),
    (
        "Their lawyer quickly signed both documents without reading them.",
        "PRON NOUN ADV VERB DET NOUN SCONJ VERB PRON PUNCT",
    ),
];

const CHINESE: [(&str, &str); 7] = [
    (
        "我昨天在图书馆看了一本小说。",
        "PRON NOUN ADP NOUN VERB PART NUM NOUN PUNCT",
    ),
    (
        "妈妈做的红烧肉真好吃！",
        "NOUN VERB PART NOUN ADV ADJ PUNCT",
    ),
    (
        "北京的冬天很冷，但是我喜欢。",
        "PROPN PART NOUN ADV ADJ PUNCT CCONJ PRON VERB PUNCT",
    ),
    (
        "他们和老师一起去上海开会",
        "PRON CCONJ NOUN ADV VERB PROPN VERB",
    ),
    (
        "公司发布了重要的经济政策",
        "NOUN VERB PART ADJ PART NOUN NOUN",
    ),
    ("哈哈你太可爱了", "INTJ PRON ADV ADJ PART"),
    ("这个问题非常重要", "PRON NOUN ADV ADJ"),
];
