use super::*;
use crate::{
    aux_lstm::{AuxLstmSizes, Role},
    parameters::{TensorSpec, save},
    wide::{CharacterFallback, TfidfVectorizer},
};

/// A model of one attribute.
fn bundle() -> Bundle {
    let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let sizes = AuxLstmSizes {
        input_size: 2,
        auxiliary_hidden_size: 0,
        main_hidden_size: 3,
        dense_size: 2,
        tasks: vec![(Role::Main, 2)],
    };
    let source = |spec: &TensorSpec| Ok::<_, ()>(vec![0.5; spec.len()]);
    let network = AuxLstm::new(&mut Parameters::new(&Device::flex(), source), &sizes, 0.0).unwrap();
    Bundle {
        settings: Settings {
            attributes: vec![Attribute {
                name: "gender".into(),
                classes: strings(&["female", "male"]),
                coarse_classes: Vec::new(),
            }],
            sizes,
            max_words: 50,
            calibrations: vec![Calibration::ONE],
            dictionary: false,
            user_dictionary: String::new(),
            confidence_threshold: CONFIDENCE_THRESHOLD,
            chinese: None,
        },
        card: ModelCard::default(),
        vocabulary: Vocabulary::new(strings(&["good", "morning"])).unwrap(),
        embedding: Embedding::quantise(&[0.5; 8], 2).unwrap(),
        parameters: save(&network),
        wide: Some(wide(2)),
    }
}

fn wide(classes: usize) -> Wide {
    let vectorizer =
        TfidfVectorizer::new(vec![[2, 0]], vec![1.0], CharacterFallback::default()).unwrap();
    Wide::from_parts(
        vectorizer,
        vec![1; classes],
        vec![1.0; classes],
        vec![0.0; classes],
    )
    .unwrap()
}

/// Changes after which a bundle cannot be read, each with a part of the error.
type Change = fn(&mut Bundle);
const UNSOUND: [(Change, &str); 10] = [
    (
        |bundle| bundle.settings.calibrations[0].asymptote = 0.0,
        "calibration",
    ),
    (|bundle| bundle.settings.sizes.tasks[0].1 = 4, "classes"),
    (
        |bundle| bundle.settings.sizes.main_hidden_size = usize::MAX / 2,
        "main_hidden_size",
    ),
    (
        |bundle| bundle.settings.attributes[0].classes.truncate(1),
        "two classes",
    ),
    (
        |bundle| bundle.embedding = Embedding::quantise(&[0.5; 12], 3).unwrap(),
        "differ in dimensions",
    ),
    (
        |bundle| bundle.embedding = Embedding::quantise(&[0.5; 6], 2).unwrap(),
        "differ in number",
    ),
    (
        |bundle| bundle.parameters[0].values[0] = f32::NAN,
        "not finite",
    ),
    (
        |bundle| {
            let by = [f32::INFINITY; 2].into_iter();
            bundle.wide = bundle.wide.take().map(|wide| wide.scaled(by));
        },
        "\"wide.scales\" holds a number that is not finite",
    ),
    (|bundle| bundle.wide = Some(wide(3)), "wide component"),
    (
        |bundle| bundle.settings.sizes.input_size = 20_000,
        "input_size is 20000",
    ),
];

#[test]
fn a_bundle_was_written_that_could_not_be_read() {
    assert!(Bundle::from_bytes(&bundle().to_bytes().unwrap()).is_ok());
    for (change, what) in UNSOUND {
        let mut bundle = bundle();
        change(&mut bundle);
        match bundle.to_bytes() {
            Err(BundleError::Unwritable(found)) => assert!(found.contains(what), "{found}"),
            other => panic!("{what}: {other:?}"),
        }
        // Files of other programs may contain it.
        match Bundle::from_bytes(&bundle.write().unwrap()) {
            Err(BundleError::Corrupt(found)) => assert!(found.contains(what), "{found}"),
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn a_word_with_a_line_end_was_written_as_two_words() {
    let mut bundle = bundle();
    let words = vec!["good".into(), "good\nmorning".into()];
    bundle.vocabulary = Vocabulary::new(words).unwrap();
    let error = bundle.to_bytes().unwrap_err().to_string();
    assert!(error.contains("contains a line end"), "{error}");
}
