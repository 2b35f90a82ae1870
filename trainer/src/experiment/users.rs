//! The users of an experiment, read once for all cells.

use std::collections::BTreeMap;

use model_core::{
    embedding::Embedding,
    reader::{self, Reader},
    text::Segmenter,
    vocabulary::Vocabulary,
};

use super::config::Experiment;
use super::corpus::{Association, AttributeSummary, CorpusSummary};
use super::system::ExperimentError;
use crate::features::{Features, FittedTerms};
use crate::linear::SparseMatrix;
use crate::training::examples::{self, Example, Parts};
use crate::training::read_vectors;

/// All users with a label and a word.
pub struct Users {
    /// Their word ids, and their class of each attribute.
    pub examples: Vec<Example>,
    /// Their posts as far as they are read; nobody's where no system reads posts.
    posts: Vec<Vec<String>>,
    /// Cuts posts into words, which have their ids in the vocabulary of the vectors.
    pub reader: Reader,
    /// The vectors of the words; none where no system reads them.
    pub embedding: Option<Embedding>,
    /// What the report is told of them.
    pub summary: CorpusSummary,
    /// A checksum of keys, posts and classes. Stored runs identify their test users by these keys.
    pub checksum: u32,
}

impl Users {
    /// Reads what the experiment names.
    pub fn read(experiment: &Experiment, segmenter: Segmenter) -> Result<Self, ExperimentError> {
        let (vocabulary, embedding) = if experiment.vectors.as_os_str().is_empty() {
            let nothing = Vocabulary::new(Vec::new());
            let nothing = nothing.map_err(|error| ExperimentError::Unusable(error.to_string()))?;
            (nothing, None)
        } else {
            let (words, vectors) = read_vectors(&experiment.vectors, experiment.text.vocabulary)?;
            (words, Some(vectors))
        };
        let reader = Reader {
            segmenter,
            vocabulary,
            max_words: experiment.text.max_words,
        };
        let plans = (experiment.plans()).map_err(ExperimentError::Unusable)?;
        let keeps_posts = plans.iter().any(|plan| plan.system.reads_features());
        let mut posts = Vec::new();
        let mut ages = BTreeMap::new();
        let mut hasher = crc32fast::Hasher::new();
        let read = examples::read(
            &experiment.corpus,
            experiment.strict,
            &experiment.attributes,
            &reader,
            |mut user| {
                user.posts.iter().for_each(|post| {
                    hasher.update(post.as_bytes());
                    hasher.update(b"\n");
                });
                if let Some(age) = user.label("age").and_then(|age| age.parse().ok()) {
                    *ages.entry(age).or_default() += 1;
                }
                if keeps_posts {
                    let mut words = 0;
                    let all = reader::words(&reader.segmenter, &user.posts, reader.max_words);
                    let read = all.take_while(|post| {
                        let is_read = words < reader.max_words;
                        words += post.len();
                        is_read
                    });
                    let read = read.count();
                    user.posts.truncate(read);
                    posts.push(user.posts);
                }
            },
        )?;
        let examples = read.users;
        for user in &examples {
            hasher.update(user.key.to_string().as_bytes());
            for class in &user.classes {
                hasher.update(&class.map_or(0, |class| class as u64 + 1).to_le_bytes());
            }
        }
        let all = examples.len() + read.without_words + read.without_labels;
        eprintln!(
            "{} users; left out: {} without words, {} without labels, {} bad records",
            examples.len(),
            read.without_words,
            read.without_labels,
            read.bad_records,
        );
        let ages = (!ages.is_empty()).then_some(ages);
        Ok(Self {
            summary: summary(experiment, &examples, all, ages),
            checksum: hasher.finalize(),
            examples,
            posts,
            reader,
            embedding,
        })
    }

    /// A checksum of the word vectors.
    pub fn vectors_checksum(&self) -> Option<u32> {
        let embedding = self.embedding.as_ref()?;
        let mut hasher = crc32fast::Hasher::new();
        for word in self.reader.vocabulary.words() {
            hasher.update(word.as_bytes());
            hasher.update(b"\n");
        }
        (embedding.scales().iter()).for_each(|scale| hasher.update(&scale.to_le_bytes()));
        (embedding.values().iter()).for_each(|value| hasher.update(&value.to_le_bytes()));
        Some(hasher.finalize())
    }

    /// Divides the users by the split of a seed.
    pub fn divide(&self, experiment: &Experiment, seed: u64) -> Parts {
        let split = experiment.split.split(seed);
        let mut attributes = experiment.attributes.iter();
        let stratify_by = attributes.position(|attribute| attribute.name == split.stratify_by);
        examples::divide(&self.examples, &split, stratify_by)
    }

    /// The features of all users, fitted to the posts of the training users.
    pub fn features(
        &self,
        settings: &Features,
        training: &[usize],
    ) -> Result<UserFeatures, ExperimentError> {
        let segmenter = &self.reader.segmenter;
        // The last post may go on behind what is read.
        let settings = Features {
            max_words: settings.max_words.min(self.reader.max_words),
            ..settings.clone()
        };
        let posts: Vec<&[String]> = (training.iter())
            .map(|&user| self.posts[user].as_slice())
            .collect();
        let fitted = settings.fit(segmenter, &posts)?;
        let mut matrix = SparseMatrix::new(fitted.width());
        for row in fitted.rows(segmenter, &self.posts) {
            matrix.push_row(row)?;
        }
        let terms = fitted.terms().iter().map(FittedTerms::width).sum();
        Ok(UserFeatures { matrix, terms })
    }
}

/// The features of all users.
pub struct UserFeatures {
    /// A row for each user.
    pub matrix: SparseMatrix,
    /// How many columns are terms; they come first.
    pub terms: usize,
}

fn summary(
    experiment: &Experiment,
    users: &[Example],
    all: usize,
    ages: Option<BTreeMap<i64, usize>>,
) -> CorpusSummary {
    let attributes = &experiment.attributes;
    let count = |attribute: usize| {
        let mut counts = vec![0; attributes[attribute].classes.len()];
        for class in users.iter().filter_map(|user| user.classes[attribute]) {
            counts[class] += 1;
        }
        counts
    };
    let pairs = (0..attributes.len()).flat_map(|a| (0..a).map(move |b| (b, a)));
    CorpusSummary {
        name: experiment.name.clone(),
        users: all,
        attributes: (attributes.iter().enumerate())
            .map(|(index, attribute)| AttributeSummary {
                name: attribute.name.clone(),
                classes: attribute.classes.clone(),
                counts: count(index),
                coarse_classes: attribute.coarse_classes.clone(),
            })
            .collect(),
        ages,
        association: pairs
            .map(|(a, b)| {
                let labels = users.iter().map(|user| (user.classes[a], user.classes[b]));
                Association::measure(&attributes[a], &attributes[b], labels)
            })
            .collect(),
    }
}
