//! Reads what a training run needs: vectors, vocabulary and users.

use std::path::Path;

use model_core::{
    attribute::Attribute,
    embedding::Embedding,
    reader::Reader,
    text::Segmenter,
    vocabulary::{UNKNOWN, Vocabulary},
};

use super::{
    TrainError,
    data::{Data, Task},
    examples::{self, Example, Examples, Parts},
};
use crate::table::{count, counted, percent};
use crate::{
    bundle::read_bundle,
    config::Config,
    corpus::Corpus,
    progress::notice,
    word2vec::{self, Vectors},
};

/// The contents of the files that a config names.
pub struct Prepared {
    pub vocabulary: Vocabulary,
    pub embedding: Embedding,
    pub data: Data,
    /// The checksum of the data and the vectors.
    pub checksum: u32,
}

/// The users and vectors that a config names, before the users are divided.
pub struct Read {
    pub vocabulary: Vocabulary,
    pub embedding: Embedding,
    pub tasks: Vec<Task>,
    pub examples: Examples,
    /// The task whose classes have the same shares in all parts.
    pub stratify_by: Option<usize>,
}

/// Reads the files that `config` names. `segmenter` segments the posts.
pub fn read(config: &Config, segmenter: Segmenter) -> Result<Read, TrainError> {
    let (vocabulary, embedding) = read_vectors(&config.vectors, config.text.vocabulary)?;
    let reader = Reader {
        segmenter,
        vocabulary,
        max_words: config.text.max_words,
    };
    let tasks = tasks(config);
    let attributes: Vec<Attribute> = tasks.iter().map(|task| task.attribute.clone()).collect();
    let labels = config.labels().map_err(TrainError::Unusable)?;
    let options = config.columns.options(config.strict);
    let corpus = Corpus::open(&config.corpus, options.clone())?.with_labels(labels);
    let mut examples = examples::read(corpus, &attributes, &reader, |_, _| {})?;
    examples.report_other_labels(&attributes, |task, file| {
        tasks[task].file_weight(file) > 0.0
    });
    (examples.check_labels(&attributes, &config.corpus, &options)).map_err(TrainError::Unusable)?;
    drop_unused_labels(&tasks, &mut examples);
    check_known_words(&examples.users, &config.vectors);
    Ok(Read {
        vocabulary: reader.vocabulary,
        embedding,
        stratify_by: (attributes.iter()).position(|task| task.name == config.split.stratify_by),
        tasks,
        examples,
    })
}

/// The share of known words below which the vectors hardly fit the corpus. English vectors know 19 of 20 words of English posts.
const FEW_KNOWN: f64 = 0.5;

/// Warns of vectors that know few of the users' words, such as those of another language.
fn check_known_words(users: &[Example], vectors: &Path) {
    let words = || users.iter().flat_map(|user| user.words.iter());
    let (known, all) = (
        words().filter(|&&id| id != UNKNOWN).count(),
        words().count(),
    );
    if (known as f64) < FEW_KNOWN * all as f64 {
        notice!(
            "{} has vectors of only {} of the users' words; the network learns from these alone. Are the vectors of another \
             language, or of words in upper case?",
            vectors.display(),
            percent(known as u64, all as u64)
        );
    }
}

/// Reads the files that `config` names, and divides the users. `segmenter` segments the posts.
pub fn prepare(config: &Config, segmenter: Segmenter) -> Result<Prepared, TrainError> {
    let Read {
        vocabulary,
        embedding,
        tasks,
        examples,
        stratify_by,
    } = read(config, segmenter)?;
    let mut parts = examples::divide(&examples.users, &config.split, stratify_by);
    if config.is_refit() {
        parts.move_test_to_training();
    }
    notice!(
        "{}: {} to train on, {} to validate, {} to test; {}",
        counted(examples.users.len() as u64, "user"),
        count(parts.training.len() as u64),
        count(parts.validation.len() as u64),
        count(parts.test.len() as u64),
        examples.left_out(),
    );
    let class_balance = config.training.class_balance;
    Ok(Prepared {
        checksum: checksum(&examples.users, &parts, &embedding),
        vocabulary,
        embedding,
        data: Data::new(tasks, examples.users, parts, class_balance)?,
    })
}

/// The tasks of a config.
fn tasks(config: &Config) -> Vec<Task> {
    (config.attributes.iter())
        .map(|settings| Task {
            attribute: settings.attribute(),
            role: settings.role,
            weight: settings.weight,
            file_weights: (config.corpus.iter())
                .map(|file| settings.file_weight(file))
                .collect(),
        })
        .collect()
}

/// Removes the labels of files that a task does not learn from, and then the users without any label.
fn drop_unused_labels(tasks: &[Task], examples: &mut Examples) {
    for user in &mut examples.users {
        for (index, task) in tasks.iter().enumerate() {
            if task.file_weight(user.file) == 0.0 {
                user.classes[index] = None;
                user.intervals[index] = None;
            }
        }
    }
    let before = examples.users.len();
    examples.users.retain(Example::is_labelled);
    examples.without_labels += before - examples.users.len();
}

/// A checksum of the users' words and labels, of their division and of the word vectors.
fn checksum(users: &[Example], parts: &Parts, embedding: &Embedding) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    examples::add_to_checksum(users, &mut hasher);
    let mut add = |numbers: &mut dyn Iterator<Item = u64>| {
        numbers.for_each(|number| hasher.update(&number.to_le_bytes()));
    };
    for part in [&parts.training, &parts.validation, &parts.test] {
        add(&mut std::iter::once(part.len() as u64));
        add(&mut part.iter().map(|&user| user as u64));
    }
    add(&mut (embedding.scales().iter()).map(|scale| scale.to_bits().into()));
    add(&mut (embedding.values().iter()).map(|value| value.cast_unsigned().into()));
    hasher.finalize()
}

/// The first `most` words of a file of vectors or of a bundle, with their vectors at 8 bits. The unknown word of a file gets the
/// mean vector of the dropped words, that of a bundle keeps its own.
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
        let bundle = read_bundle(path).map_err(|error| unusable(error.what))?;
        let vocabulary = bundle.vocabulary.first(most);
        let embedding = bundle.embedding.first(vocabulary.len());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_too_large_for_a_bundle_was_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.safetensors");
        // A file of holes, which takes no space.
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(1 << 32).unwrap();
        let error = read_vectors(&path, 10).unwrap_err().to_string();
        assert!(
            error.ends_with("vectors.safetensors cannot be used: too large for a bundle"),
            "{error}"
        );
    }
}
