//! Sets of users: what share of them is of each class, and whether their texts are like those of the training users.
//!
//! A [`UserSet`] takes users one after the other and keeps [sums](crate::population::Population) only, so its size does not
//! depend on their number. Sets counted in different places, or from different files, are merged.
//!
//! ```
//! use futures_lite::future::block_on;
//! use model_core::population::Method;
//! use model_core::{base_rates::BaseRates, predictor::Predictor, user_set::{UserSet, hash}};
//!
//! let bundle = std::fs::read("../public/models/en.safetensors")?;
//! let predictor = Predictor::on_cpu(&bundle)?;
//! let mut set = UserSet::new(predictor.settings(), BaseRates::Equal);
//! for (key, post) in [("ann", "too much homework again"), ("ben", "the meeting went well")] {
//!     block_on(predictor.predict_set(&[vec![post.to_owned()]], &[hash(key)], &mut set))?;
//! }
//! assert_eq!(set.users(), 2);
//! let estimate = set.estimate(predictor.settings(), Method::ProbabilisticCount);
//! assert!(estimate.attributes.get("gender").is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::{collections::BTreeMap, io::Read};

use serde::{Deserialize, Serialize};

use crate::{
    base_rates::{self, BaseRates},
    bundle::Settings,
    language::Language,
    population::{Estimate, Method, Population, SAMPLE_SIZE, UserPosterior, finalise, likelihoods},
    prediction::Named,
    reader::count_known,
    vocabulary::Vocabulary,
    word_frequencies::{WordFrequencies, WordSums},
};

pub use crate::population::{AttributeShares, JointShares, PopulationEstimate, Share, TextCheck};

/// Sums over a set of users, for each language of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserSet {
    /// Those of the labels and probabilities that are counted.
    base_rates: BaseRates,
    languages: Vec<LanguageSums>,
    /// Users without a known word, who are not among those counted.
    without_known_words: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LanguageSums {
    population: Population,
    words: WordSums,
    known_words: u64,
}

/// A hash of the key of a user, by which a sample is drawn; the same everywhere.
pub fn hash(key: &str) -> u64 {
    // FNV-1a, and the finaliser of SplitMix64 because the highest bits of FNV-1a are not uniform for short keys.
    let fnv = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    finalise(fnv)
}

/// Sums over groups of users, stored as JSON: what `auxlstm population --sums` writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredSums {
    /// The checksum of the bundle that the users were predicted with.
    model: String,
    /// The field that the users are grouped by.
    pub by: Option<String>,
    /// The number of words of each user that were read at most; `None` if that is the model's own limit.
    #[serde(default)]
    pub max_words: Option<u32>,
    /// The users of each value of this field; one group with an empty name without it.
    pub groups: BTreeMap<String, UserSet>,
}

impl StoredSums {
    /// Sums over users who were predicted with the bundle of this checksum, a CRC-32 as eight hexadecimal digits.
    pub fn new(
        checksum: &str,
        by: Option<String>,
        max_words: Option<u32>,
        groups: BTreeMap<String, UserSet>,
    ) -> Self {
        Self {
            model: format!("crc32:{checksum}"),
            by,
            max_words,
            groups,
        }
    }

    /// Reads sums over users who were predicted with the bundle of this checksum and these settings.
    ///
    /// # Errors
    /// One line, if `json` is something else, damaged, or of another model. It is read piece by piece, because something else is
    /// seldom wrong only at its end.
    pub fn read(json: impl Read, checksum: &str, settings: &Settings) -> Result<Self, String> {
        let stored: Self = serde_json::from_reader(json)
            .map_err(|error| format!("not sums over users: {error}"))?;
        if stored.model != format!("crc32:{checksum}") {
            return Err("its users were predicted with another model".into());
        }
        match stored.groups.values().all(|set| set.is_sound(settings)) {
            true => Ok(stored),
            false => Err("its sums are damaged".into()),
        }
    }
}

impl UserSet {
    /// A set without users, for a model with these settings. [`Method::Count`] and [`Method::ProbabilisticCount`] count labels
    /// and probabilities under these base rates; other methods do not depend on them.
    ///
    /// The base rates must [fit](BaseRates::check) the attributes of the model.
    pub fn new(settings: &Settings, base_rates: BaseRates) -> Self {
        let of_language = |language| {
            let tasks = 0..settings.attributes.len();
            let attributes: Vec<(usize, &[f32])> = (tasks.zip(&settings.attributes))
                .map(|(task, attribute)| {
                    let moments = settings.calibration(task, language).moments.as_ref();
                    let lengths = moments.map_or(&[][..], |moments| &moments.lengths);
                    (attribute.classes.len(), lengths)
                })
                .collect();
            LanguageSums {
                population: Population::new(&attributes, SAMPLE_SIZE),
                words: WordSums::default(),
                known_words: 0,
            }
        };
        Self {
            base_rates,
            languages: settings.languages().into_iter().map(of_language).collect(),
            without_known_words: 0,
        }
    }

    /// Adds a user with a text of word ids, its logits, `[task][class]`, and the [`hash`] of the user's key.
    pub(crate) fn add(
        &mut self,
        settings: &Settings,
        vocabulary: &Vocabulary,
        hash: u64,
        text: &[u32],
        logits: &[Vec<f32>],
    ) {
        let known_words = count_known(text);
        if known_words == 0 {
            self.without_known_words += 1;
            return;
        }
        let language = settings.language_of(text, vocabulary);
        let place = settings.place_of(language);
        let posteriors: Vec<(Vec<f32>, Vec<f32>)> = (logits.iter().enumerate())
            .map(|(task, logits)| {
                let attribute = &settings.attributes[task];
                let calibration = &settings.calibration(task, language).calibration;
                let corpus = calibration.base_rates(attribute.classes.len());
                let mut probabilities = calibration.probabilities(logits, text.len());
                let likelihoods = likelihoods(&probabilities, &corpus);
                let factors = self.base_rates.factors(attribute, &corpus);
                base_rates::adjust(&mut probabilities, &factors);
                (likelihoods, probabilities)
            })
            .collect();
        let posteriors: Vec<UserPosterior> = (posteriors.iter().zip(&settings.attributes))
            .map(|((likelihoods, predicted), attribute)| UserPosterior {
                likelihoods,
                predicted,
                label: attribute.label(predicted).map_or(0, |(class, _)| class),
            })
            .collect();
        let sums = &mut self.languages[place];
        sums.population.add(hash, text.len(), &posteriors);
        sums.known_words += known_words as u64;
        // Without a reference there is no divergence, but the words are counted.
        let none = WordFrequencies::default();
        let reference = settings.word_frequencies.get(place);
        sums.words.add(reference.unwrap_or(&none), text);
    }

    /// Adds the users of another set, counted with the same model.
    ///
    /// # Errors
    /// If the sets are of different models or base rates.
    pub fn merge(&mut self, other: &Self) -> Result<(), String> {
        if self.languages.len() != other.languages.len() {
            return Err("sets of users of different models cannot be merged".into());
        }
        if self.base_rates != other.base_rates {
            return Err("sets of users counted under different base rates cannot be merged".into());
        }
        for (sums, other) in self.languages.iter_mut().zip(&other.languages) {
            sums.population.merge(&other.population)?;
            sums.words.merge(&other.words);
            sums.known_words += other.known_words;
        }
        self.without_known_words += other.without_known_words;
        Ok(())
    }

    /// Whether a set that was read from a file can be one of a model with these settings. Other methods may panic if not.
    fn is_sound(&self, settings: &Settings) -> bool {
        let is_sound = |sums: &LanguageSums| sums.population.is_sound() && sums.words.is_sound();
        self.base_rates.check(&settings.attributes).is_ok()
            && self.languages.iter().all(is_sound)
            && (Self::new(settings, self.base_rates.clone()).merge(self)).is_ok()
    }

    /// Whether shares of the classes of any attribute can be estimated: whether the model with these settings has validation
    /// users.
    pub fn is_possible(settings: &Settings) -> bool {
        let tasks = 0..settings.attributes.len();
        let mut pairs = (settings.languages().into_iter())
            .flat_map(|language| tasks.clone().map(move |task| (task, language)));
        pairs.any(|(task, language)| settings.calibration(task, language).moments.is_some())
    }

    /// The number of users with a known word.
    pub fn users(&self) -> u64 {
        let users = self.languages.iter().map(|sums| sums.population.users());
        users.sum()
    }

    /// The estimated shares by `method`, for the model with these settings that the users were counted with.
    pub fn estimate(&self, settings: &Settings, method: Method) -> PopulationEstimate {
        let tasks = 0..settings.attributes.len();
        let estimates: Vec<Vec<Option<Estimate>>> = tasks
            .map(|task| {
                (settings.languages().into_iter().zip(&self.languages))
                    .map(|(language, sums)| estimate(settings, task, language, sums, method))
                    .collect()
            })
            .collect();
        let pooled: Vec<Option<Estimate>> = (estimates.iter())
            .map(|parts| {
                let parts: Vec<Estimate> = parts.iter().flatten().cloned().collect();
                Estimate::pooled(&parts)
            })
            .collect();
        let attributes = (settings.attributes.iter().zip(&pooled)).map(|(attribute, estimate)| {
            let labels = attribute.classes.iter().cloned();
            let coarse = estimate.as_ref().and_then(|estimate| {
                let classes = attribute.classes_by_coarse();
                let coarse = (!classes.is_empty()).then(|| estimate.coarse(&classes))?;
                Some(named(attribute.coarsest_labels().into_iter(), &coarse))
            });
            let shares = AttributeShares {
                users: estimate.as_ref().map_or(0, |estimate| estimate.users),
                shares: estimate.as_ref().map(|estimate| named(labels, estimate)),
                coarse,
            };
            (attribute.name.clone(), shares)
        });
        let pairs = (0..settings.attributes.len()).flat_map(|first| {
            (first + 1..settings.attributes.len()).map(move |second| (first, second))
        });
        PopulationEstimate {
            method,
            users: self.users(),
            without_known_words: self.without_known_words,
            texts: self.texts(settings),
            attributes: Named(attributes.collect()),
            joint: pairs
                .filter_map(|(first, second)| self.joint(settings, &estimates, first, second))
                .collect(),
        }
    }

    fn texts(&self, settings: &Settings) -> Vec<TextCheck> {
        let of_language =
            |(place, (language, sums)): (usize, (Option<Language>, &LanguageSums))| {
                let users = sums.population.users();
                let reference = settings.word_frequencies.get(place);
                let divergence = reference.and_then(|reference| sums.words.divergence(reference));
                TextCheck {
                    language,
                    users,
                    words: sums.words.words as f64 / users.max(1) as f64,
                    known_words: sums.known_words as f64 / sums.words.words.max(1) as f64,
                    unlike: divergence.is_some_and(|divergence| divergence.is_unlike()),
                    divergence,
                }
            };
        let languages = settings.languages().into_iter().zip(&self.languages);
        (languages.enumerate())
            .map(of_language)
            .filter(|check| check.users > 0)
            .collect()
    }

    /// The shares of pairs, over the users who write languages in which both attributes are estimated.
    fn joint(
        &self,
        settings: &Settings,
        estimates: &[Vec<Option<Estimate>>],
        first: usize,
        second: usize,
    ) -> Option<JointShares> {
        let [rows, columns] = [first, second].map(|task| &settings.attributes[task]);
        let [row_classes, column_classes] =
            [rows, columns].map(|attribute| match attribute.classes_by_coarse() {
                none if none.is_empty() => (0..attribute.classes.len())
                    .map(|class| vec![class])
                    .collect(),
                classes => classes,
            });
        let mut shares = vec![vec![0.0; column_classes.len()]; row_classes.len()];
        let mut users = 0.0;
        for (place, sums) in self.languages.iter().enumerate() {
            let (Some(one), Some(other)) = (&estimates[first][place], &estimates[second][place])
            else {
                continue;
            };
            let of_language = sums.population.users() as f64;
            let joint = (sums.population).joint(first, second, &one.shares, &other.shares);
            for (sums, rows) in shares.iter_mut().zip(&row_classes) {
                for (sum, columns) in sums.iter_mut().zip(&column_classes) {
                    let pairs = rows
                        .iter()
                        .flat_map(|&row| columns.iter().map(move |&column| (row, column)));
                    *sum +=
                        of_language * pairs.map(|(row, column)| joint[row][column]).sum::<f64>();
                }
            }
            users += of_language;
        }
        (users > 0.0).then(|| {
            shares
                .iter_mut()
                .flatten()
                .for_each(|share| *share /= users);
            JointShares {
                rows: rows.name.clone(),
                columns: columns.name.clone(),
                row_labels: rows.coarsest_labels(),
                column_labels: columns.coarsest_labels(),
                shares,
            }
        })
    }
}

/// The estimate for the users of one language; `None` if there are none, or if the attribute was not validated in it.
fn estimate(
    settings: &Settings,
    task: usize,
    language: Option<Language>,
    sums: &LanguageSums,
    method: Method,
) -> Option<Estimate> {
    let calibration = settings.calibration(task, language);
    let moments = calibration.moments.as_ref()?;
    let base_rates = (calibration.calibration).base_rates(settings.attributes[task].classes.len());
    let coarse = settings.attributes[task].classes_by_coarse();
    (sums.population).estimate(task, &coarse, Some(moments), &base_rates, method)
}

fn named(labels: impl Iterator<Item = String>, estimate: &Estimate) -> Named<Share> {
    let shares = (estimate.shares.iter().zip(&estimate.intervals))
        .map(|(&share, &[low, high])| Share { share, low, high });
    Named(labels.zip(shares).collect())
}
