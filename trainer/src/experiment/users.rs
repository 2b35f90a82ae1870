//! The users of an experiment, read once for all runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use model_core::{
    attribute::Attribute, embedding::Embedding, reader::Reader, text::Segmenter,
    vocabulary::Vocabulary,
};
use sparse_linear::SparseMatrix;

use super::corpus::{Association, AttributeSummary, CorpusSummary};
use super::error::ExperimentError;
use crate::config::{Split, Text};
use crate::corpus::{Corpus, LabelMap, Options};
use crate::features::{Features, FittedTerms};
use crate::progress::notice;
use crate::table::counted;
use crate::training::examples::{self, Example, Parts};
use crate::training::read_vectors;

/// Where users come from and how they are read.
pub struct Source<'a> {
    /// The name of the corpus.
    pub name: &'a str,
    /// Whether the report compares the corpus with the paper.
    pub paper: bool,
    /// The files of labelled users.
    pub corpus: &'a [PathBuf],
    /// How they are read.
    pub options: Options,
    /// The file of word vectors; empty: none.
    pub vectors: &'a Path,
    /// How text is read.
    pub text: &'a Text,
    /// The attributes.
    pub attributes: &'a [Attribute],
    /// The labels that are read as their classes.
    pub labels: LabelMap,
    /// Whether the posts are kept, for systems that read features.
    pub keeps_posts: bool,
}

/// All users with a label and a word.
pub struct Users {
    /// Their word ids, and their class of each attribute.
    pub examples: Vec<Example>,
    /// Their posts as far as they are read; empty where no system reads posts.
    posts: Vec<Vec<String>>,
    /// Turns posts into word ids of the vectors' vocabulary.
    pub reader: Reader,
    /// The word vectors; none where no system reads them.
    pub embedding: Option<Embedding>,
    /// The summary for the report.
    pub summary: CorpusSummary,
    /// A checksum of keys, posts, words and labels. Stored runs identify their test users by these keys.
    pub checksum: u32,
}

impl Users {
    /// Reads all users. `segmenter` segments the posts.
    pub fn read(source: &Source, segmenter: Segmenter) -> Result<Self, ExperimentError> {
        let (vocabulary, embedding) = if source.vectors.as_os_str().is_empty() {
            let nothing = Vocabulary::new(Vec::new());
            let nothing = nothing.map_err(|error| ExperimentError::Unusable(error.to_string()))?;
            (nothing, None)
        } else {
            let (words, vectors) = read_vectors(source.vectors, source.text.vocabulary)?;
            (words, Some(vectors))
        };
        let reader = Reader {
            segmenter,
            vocabulary,
            max_words: source.text.max_words,
        };
        let mut posts = Vec::new();
        let mut ages = BTreeMap::new();
        let mut hasher = crc32fast::Hasher::new();
        let corpus = Corpus::open(source.corpus, source.options.clone())?;
        let read = examples::read(
            corpus.with_labels(source.labels.clone()),
            source.attributes,
            &reader,
            |mut user, words| {
                // The posts, because features also read characters between words. The words, because all words outside
                // the vocabulary have the same id.
                let words_of_posts = words.iter().flatten().map(|word| &word.text);
                for text in user.posts.iter().chain(words_of_posts) {
                    hasher.update(text.as_bytes());
                    hasher.update(b"\n");
                }
                if let Some(age) = user.label("age").and_then(|age| age.parse().ok()) {
                    *ages.entry(age).or_default() += 1;
                }
                if source.keeps_posts {
                    let mut before = 0;
                    let read = words.iter().take_while(|post| {
                        let is_read = before < reader.max_words;
                        before += post.len();
                        is_read
                    });
                    user.posts.truncate(read.count());
                    posts.push(user.posts);
                }
            },
        )?;
        read.report_other_labels(source.attributes, |_, _| true);
        read.check_labels(source.attributes, source.corpus, &source.options)
            .map_err(ExperimentError::Unusable)?;
        let left_out = read.left_out();
        let examples = read.users;
        for user in &examples {
            hasher.update(user.key.to_string().as_bytes());
            hasher.update(b"\n");
        }
        examples::add_to_checksum(&examples, &mut hasher);
        let all = examples.len() + read.without_words + read.without_labels;
        notice!("{}; {left_out}", counted(examples.len() as u64, "user"));
        let ages = (!ages.is_empty()).then_some(ages);
        Ok(Self {
            summary: summary(source, &examples, all, ages),
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

    /// Divides the users.
    pub fn divide(&self, attributes: &[Attribute], split: &Split) -> Parts {
        let mut attributes = attributes.iter();
        let stratify_by = attributes.position(|attribute| attribute.name == split.stratify_by);
        examples::divide(&self.examples, split, stratify_by)
    }

    /// The features of all users, fitted to the posts of the training users.
    pub fn features(
        &self,
        settings: &Features,
        training: &[usize],
    ) -> Result<UserFeatures, ExperimentError> {
        let segmenter = &self.reader.segmenter;
        // The last post may extend beyond the words that are read.
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
    /// The number of columns that are terms; they come first.
    pub terms: usize,
}

fn summary(
    source: &Source,
    users: &[Example],
    all: usize,
    ages: Option<BTreeMap<i64, usize>>,
) -> CorpusSummary {
    let attributes = source.attributes;
    let count = |attribute: usize| {
        let mut counts = vec![0; attributes[attribute].classes.len()];
        for class in users.iter().filter_map(|user| user.classes[attribute]) {
            counts[class] += 1;
        }
        counts
    };
    let pairs = (0..attributes.len()).flat_map(|a| (0..a).map(move |b| (b, a)));
    CorpusSummary {
        name: source.name.to_owned(),
        paper: source.paper,
        vectors: source.vectors.display().to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    const DICTIONARY: &str = "研究 9 v\n生命 9 n\n";

    /// The checksum of one user with this interval of ages, whose post is segmented by this dictionary.
    fn checksum(folder: &Path, age: &str, dictionary: &str) -> u32 {
        let corpus = [folder.join("users.jsonl")];
        let user = format!("{{\"id\": 1, \"posts\": [\"研究生命\"], \"age\": \"{age}\"}}\n");
        std::fs::write(&corpus[0], user).unwrap();
        let attributes = [Attribute {
            name: "age".into(),
            classes: ["13", "14", "15"].map(String::from).to_vec(),
            coarse_classes: Vec::new(),
        }];
        let source = Source {
            name: "one user",
            paper: false,
            corpus: &corpus,
            options: Options::default(),
            vectors: Path::new(""),
            text: &Text::default(),
            attributes: &attributes,
            labels: LabelMap::default(),
            keeps_posts: false,
        };
        let segmenter = Segmenter::with_dictionary(dictionary.as_bytes()).unwrap();
        let users = Users::read(&source, segmenter).unwrap();
        assert_eq!(users.examples[0].words.len(), 2);
        users.checksum
    }

    #[test]
    fn a_changed_interval_label_changes_the_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let of = |age: &str| checksum(folder.path(), age, DICTIONARY);
        assert_eq!(of("13-14"), of("13-14"));
        assert_ne!(of("13-14"), of("14-15"));
    }

    #[test]
    fn a_changed_dictionary_changes_the_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let of = |dictionary: &str| checksum(folder.path(), "13-14", dictionary);
        assert_ne!(of(DICTIONARY), of("研究生 9 n\n命 9 n\n"));
    }
}
