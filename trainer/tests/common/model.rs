//! A small model that is made up here.

use burn::tensor::Device;
use model_core::attribute::{Attribute, CoarseClass};
use model_core::aux_lstm::{AuxLstm, AuxLstmSizes, Role};
use model_core::bundle::{Bundle, ConfidenceThresholds, LanguageCalibration, Settings};
use model_core::calibration::Calibration;
use model_core::card::ModelCard;
use model_core::embedding::Embedding;
use model_core::parameters::{self, Parameters, TensorSpec, glorot_uniform};
use model_core::vocabulary::Vocabulary;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// The words that it knows, with the ids from 2 on.
pub const WORDS: [&str; 6] = ["rain", "tea", "football", "essay", "office", "kitchen"];

/// An untrained model of age (with coarse classes) and gender.
pub fn untrained() -> Bundle {
    let strings = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
    let mut random = StdRng::seed_from_u64(3);
    let dimensions = 6;
    let rows = (WORDS.len() + 2) * dimensions;
    let table: Vec<f32> = (0..rows).map(|_| random.random_range(-2.0..2.0)).collect();
    let sizes = AuxLstmSizes {
        input_size: dimensions,
        auxiliary_hidden_size: 5,
        main_hidden_size: 4,
        dense_size: 4,
        tasks: vec![(Role::Main, 3), (Role::Main, 2)],
    };
    let source = |wanted: &TensorSpec| Ok::<_, ()>(glorot_uniform(wanted, &mut random));
    let network = AuxLstm::new(&mut Parameters::new(&Device::flex(), source), &sizes, 0.0);
    let coarse = |label: &str, classes: &[&str]| CoarseClass {
        label: label.into(),
        classes: strings(classes),
    };
    Bundle {
        settings: Settings {
            attributes: vec![
                Attribute {
                    name: "age".into(),
                    classes: strings(&["13", "14", "33+"]),
                    coarse_classes: vec![coarse("young", &["13", "14"]), coarse("grown", &["33+"])],
                },
                Attribute {
                    name: "gender".into(),
                    classes: strings(&["female", "male"]),
                    coarse_classes: vec![],
                },
            ],
            sizes,
            max_words: 100,
            dictionary: false,
            user_dictionary: String::new(),
            word_frequencies: Vec::new(),
            chinese: None,
            calibrations: vec![
                LanguageCalibration::measured(
                    Calibration {
                        asymptote: 0.2,
                        ..Calibration::ONE
                    },
                    ConfidenceThresholds::both(0.6),
                );
                2
            ],
        },
        card: ModelCard::default(),
        vocabulary: Vocabulary::new(strings(&WORDS)).unwrap(),
        embedding: Embedding::quantise(&table, dimensions).unwrap(),
        parameters: parameters::save(&network.unwrap()),
        wide: None,
        seen_users: Vec::new(),
    }
}
