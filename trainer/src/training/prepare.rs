//! What a run reads before it learns: vectors, vocabulary, users, split, class weights.

use std::path::{Path, PathBuf};

use model_core::{
    attribute::Attribute,
    bundle::Bundle,
    embedding::Embedding,
    joint_loss::Target,
    reader::Reader,
    text::Segmenter,
    vocabulary::{UNKNOWN, Vocabulary},
};

use super::{
    Batch, TrainError,
    batches::Item,
    examples::{self, Example, Examples, Parts},
};
use crate::{
    config::Config,
    output::{OutputError, PendingFile},
    word2vec::{self, Vectors},
};

/// What a config names, read.
pub struct Prepared {
    pub vocabulary: Vocabulary,
    pub embedding: Embedding,
    pub data: Data,
    /// The checksum of all that is learned from.
    pub checksum: u32,
}

/// Users and what a network is to learn from them; it stays fixed while it learns.
pub struct Data {
    /// All users.
    pub users: Vec<Example>,
    /// Who is for what.
    pub parts: Parts,
    /// For each task a factor for each class.
    class_weights: Vec<Vec<f32>>,
}

/// Reads what `config` names; `segmenter` cuts the posts.
pub fn prepare(config: &Config, segmenter: Segmenter) -> Result<Prepared, TrainError> {
    let (vocabulary, embedding) = read_vectors(&config.vectors, config.text.vocabulary)?;
    let reader = Reader {
        segmenter,
        vocabulary,
        max_words: config.text.max_words,
    };
    let attributes: Vec<_> = (config.attributes.iter())
        .map(|task| task.attribute())
        .collect();
    let mut examples = examples::read(&config.corpus, config.strict, &attributes, &reader, drop)?;
    keep_what_tasks_learn_from(config, &mut examples);
    let stratify_by = config
        .attributes
        .iter()
        .position(|task| task.name == config.split.stratify_by);
    let mut parts = examples::divide(&examples.users, &config.split, stratify_by);
    if config.is_refit() {
        parts.hold_nobody_out();
    }
    eprintln!(
        "{} users: {} to train on, {} to validate, {} to test; left out: {} without words, {} without labels, {} bad records",
        examples.users.len(),
        parts.training.len(),
        parts.validation.len(),
        parts.test.len(),
        examples.without_words,
        examples.without_labels,
        examples.bad_records,
    );
    Ok(Prepared {
        checksum: checksum(&examples.users, &parts, &embedding),
        vocabulary: reader.vocabulary,
        embedding,
        data: Data::new(config, examples.users, parts)?,
    })
}

/// Takes away the labels of files that a task does not name, and users who have no label left.
fn keep_what_tasks_learn_from(config: &Config, examples: &mut Examples) {
    for user in &mut examples.users {
        for (task, settings) in config.attributes.iter().enumerate() {
            if settings.corpus_weight(config, user.file) == 0.0 {
                user.classes[task] = None;
                user.intervals[task] = None;
            }
        }
    }
    let before = examples.users.len();
    examples.users.retain(Example::is_labelled);
    examples.without_labels += before - examples.users.len();
}

impl Data {
    /// Users, with a class or none for each task of `config`. An error if the training users have not two classes of each.
    pub fn new(config: &Config, users: Vec<Example>, parts: Parts) -> Result<Self, TrainError> {
        let class_weights = (0..config.attributes.len())
            .map(|task| class_weights(config, &users, &parts.training, task))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            users,
            parts,
            class_weights,
        })
    }

    /// The texts of a batch.
    pub(super) fn batch(&self, items: &[Item]) -> Batch<'_> {
        Batch {
            users: items.iter().map(|item| item.user).collect(),
            texts: (items.iter())
                .map(|item| &self.users[item.user].words[item.words.clone()])
                .collect(),
        }
    }

    /// What each task learns from `users`.
    pub(super) fn targets(
        &self,
        config: &Config,
        users: impl Iterator<Item = usize> + Clone,
    ) -> Vec<Target> {
        config
            .attributes
            .iter()
            .enumerate()
            .map(|(task, settings)| Target {
                classes: (users.clone())
                    .map(|user| self.users[user].classes_of(task))
                    .collect(),
                user_weights: (users.clone())
                    .map(|user| settings.corpus_weight(config, self.users[user].file))
                    .collect(),
                weight: settings.weight as f32,
                class_weights: self.class_weights[task].clone(),
            })
            .collect()
    }

    /// Writes the users of each part.
    pub(super) fn write_split(&self, path: &Path, corpus: &[PathBuf]) -> Result<(), OutputError> {
        let split = self.parts.to_split(&self.users, corpus);
        PendingFile::create(path)?.finish(|out| Ok(serde_json::to_writer(out, &split)?))
    }
}

/// A checksum of word ids, classes, who is in which part, and vectors.
fn checksum(users: &[Example], parts: &Parts, embedding: &Embedding) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    let mut add = |numbers: &mut dyn Iterator<Item = u64>| {
        numbers.for_each(|number| hasher.update(&number.to_le_bytes()));
    };
    for user in users {
        add(&mut std::iter::once(user.words.len() as u64));
        add(&mut user.words.iter().map(|&word| word.into()));
        // None is 0.
        add(&mut (user.classes.iter()).map(|class| class.map_or(0, |class| class as u64 + 1)));
        add(&mut (user.intervals.iter().flatten())
            .flat_map(|interval| [interval.start as u64, interval.end as u64]));
    }
    for part in [&parts.training, &parts.validation, &parts.test] {
        add(&mut std::iter::once(part.len() as u64));
        add(&mut part.iter().map(|&user| user as u64));
    }
    add(&mut (embedding.scales().iter()).map(|scale| scale.to_bits().into()));
    add(&mut (embedding.values().iter()).map(|value| value.cast_unsigned().into()));
    hasher.finalize()
}

/// The first words of the vectors' file, `most` of them or fewer, with their vectors at 8 bits. Words cut off give the
/// unknown word its vector, their mean: they are what it will stand for. A bundle gives what it has.
pub fn read_vectors(path: &Path, most: usize) -> Result<(Vocabulary, Embedding), TrainError> {
    let unusable = |what: String| {
        TrainError::Unusable(format!(
            "the vectors {} cannot be used: {what}",
            path.display()
        ))
    };
    if path
        .extension()
        .is_some_and(|ending| ending == "safetensors")
    {
        let bytes = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let bundle = Bundle::from_bytes(&bytes).map_err(|error| unusable(error.to_string()))?;
        let vocabulary = bundle.vocabulary.first(most);
        let embedding = bundle.embedding.coarser(vocabulary.len(), i8::MAX);
        return Ok((vocabulary, embedding));
    }
    let Vectors {
        mut words,
        values: rows,
        dimensions,
    } = word2vec::read_vectors(path)?;
    let kept = words.len().min(most);
    let mut table = vec![0.0; 2 * dimensions];
    let (known, cut_off) = rows.split_at(kept * dimensions);
    let unknown = &mut table[UNKNOWN as usize * dimensions..][..dimensions];
    for row in cut_off.chunks_exact(dimensions) {
        for (sum, value) in unknown.iter_mut().zip(row) {
            *sum += value / (words.len() - kept) as f32;
        }
    }
    table.extend_from_slice(known);
    words.truncate(kept);
    let vocabulary = Vocabulary::new(words).map_err(|error| unusable(error.to_string()))?;
    Ok((
        vocabulary,
        Embedding::quantise(&table, dimensions).map_err(unusable)?,
    ))
}

/// How many training users of each class there are; fewer than two classes with users cannot be learned.
pub fn class_counts(
    attribute: &Attribute,
    classes: impl Iterator<Item = usize>,
) -> Result<Vec<usize>, String> {
    let mut counts = vec![0; attribute.classes.len()];
    classes.for_each(|class| counts[class] += 1);
    match counts.iter().filter(|&&count| count > 0).count() {
        present @ 0..=1 => Err(format!(
            "attribute {:?}: the training users have {present} of its {} classes, at least two are needed (is the field there, \
             and do its values match the classes {}?)",
            attribute.name,
            counts.len(),
            attribute.classes.join(", ")
        )),
        _ => Ok(counts),
    }
}

/// Factors for the classes of a task: frequency to the power of −balance, with mean 1 over the training users.
/// A class that no training user has cannot be learned; fewer than two that can are an error.
fn class_weights(
    config: &Config,
    users: &[Example],
    training: &[usize],
    task: usize,
) -> Result<Vec<f32>, TrainError> {
    let settings = &config.attributes[task];
    let classes = (training.iter()).filter_map(|&user| users[user].classes[task]);
    let counts = class_counts(&settings.attribute(), classes).map_err(TrainError::Unusable)?;
    for (class, _) in settings
        .classes
        .iter()
        .zip(&counts)
        .filter(|(_, count)| **count == 0)
    {
        eprintln!(
            "attribute {:?}: no training user has class {class:?}, so it will never be predicted well",
            settings.name
        );
    }
    let balance = config.training.class_balance;
    let factor = |count: usize| {
        if count == 0 {
            0.0
        } else {
            (count as f64).powf(-balance)
        }
    };
    let users: usize = counts.iter().sum();
    let sum: f64 = counts
        .iter()
        .map(|&count| factor(count) * count as f64)
        .sum();
    Ok(counts
        .iter()
        .map(|&count| (factor(count) * users as f64 / sum) as f32)
        .collect())
}
