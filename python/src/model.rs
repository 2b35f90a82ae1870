//! A loaded model.

use std::sync::Arc;

use arrow_array::RecordBatchReader;
use arrow_schema::ArrowError;
use columnar::{Columns, CorpusCounts, Grouped, Model, Predictions};
use futures_lite::future::block_on;
use model_core::base_rates::BaseRates;
use model_core::population::Method;
use model_core::prediction_table::{strongest_words, words_text};
use model_core::predictor::PredictError;
use model_core::text::Segmenter;
use model_core::user_set::{StoredSums, UserSet};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use rayon::prelude::*;

use crate::stream::{Reader, Stream, import};
use crate::threads::Threads;
use crate::{arrow_error, objects, value_error};

/// The most users, and about the most bytes of text, between two looks at whether Ctrl-C was pressed.
const CHUNK_USERS: usize = 256;
const CHUNK_BYTES: usize = 1 << 20;

/// A loaded model and the threads that it computes with.
#[pyclass(frozen, module = "auxlstm._native")]
pub struct NativeModel {
    model: Arc<Model>,
    threads: Threads,
}

#[pymethods]
impl NativeModel {
    /// Loads the bytes of a bundle, with those of a dictionary in jieba's format. `threads` is their number; 0 for one per
    /// core.
    #[new]
    #[pyo3(signature = (bundle, dictionary = None, threads = 0))]
    fn new(
        py: Python<'_>,
        bundle: &[u8],
        dictionary: Option<&[u8]>,
        threads: usize,
    ) -> PyResult<Self> {
        let loaded = py.detach(|| {
            let mut model = Model::on_cpu(bundle).map_err(|error| error.to_string())?;
            match dictionary {
                Some(dictionary) => Segmenter::with_dictionary(dictionary)
                    .and_then(|segmenter| model.predictor.use_segmenter(segmenter))
                    .map_err(|error| format!("the dictionary: {error}"))?,
                None if model.predictor.needs_dictionary() => {
                    return Err(
                        "this model was trained with a Chinese dictionary; name it with dictionary=FILE"
                            .to_owned(),
                    );
                }
                None => {}
            }
            Ok(model)
        });
        Ok(Self {
            model: Arc::new(loaded.map_err(value_error)?),
            threads: Threads::new(threads),
        })
    }

    /// The checksum of the bundle, as in the metadata of the streams.
    #[getter]
    fn checksum(&self) -> &str {
        &self.model.checksum
    }

    /// The model card as JSON.
    #[getter]
    fn card(&self) -> PyResult<String> {
        serde_json::to_string(self.model.predictor.card()).map_err(value_error)
    }

    /// The attributes as JSON.
    #[getter]
    fn attributes(&self) -> PyResult<String> {
        serde_json::to_string(self.model.predictor.attributes()).map_err(value_error)
    }

    /// Predicts users from the lists of their posts.
    fn predict<'py>(
        &self,
        py: Python<'py>,
        users: Vec<Vec<Bound<'py, PyString>>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let pool = self.threads.pool()?;
        let predictions = PyList::empty(py);
        each_chunk(py, &users, CHUNK_USERS, |chunk| {
            let predict = || block_on(self.model.predictor.predict(chunk));
            for prediction in py.detach(|| pool.install(predict)).map_err(failed)? {
                predictions.append(objects::prediction(py, &prediction)?)?;
            }
            Ok(())
        })?;
        Ok(predictions)
    }

    /// The `count` words that speak most for the label of each attribute, and of its coarse classes if it has any, for users
    /// with these lists of posts; written as in the tables of the command line.
    fn strongest_words(
        &self,
        py: Python<'_>,
        users: Vec<Vec<Bound<'_, PyString>>>,
        count: usize,
    ) -> PyResult<Vec<Vec<String>>> {
        let pool = self.threads.pool()?;
        let mut all = Vec::new();
        let of_user = |posts: &Vec<String>| -> Result<Vec<String>, PredictError> {
            let explanation = block_on(self.model.predictor.explain(posts))?;
            let words = strongest_words(&explanation, posts, count);
            Ok(words.iter().map(|words| words_text(words)).collect())
        };
        // A user with thousands of words takes a tenth of a second.
        each_chunk(py, &users, 2 * pool.current_num_threads(), |chunk| {
            let explain = || chunk.par_iter().map(of_user).collect::<Result<Vec<_>, _>>();
            all.extend(py.detach(|| pool.install(explain)).map_err(failed)?);
            Ok(())
        })?;
        Ok(all)
    }

    /// Predicts one user, with the evidence of each word.
    fn explain<'py>(
        &self,
        py: Python<'py>,
        posts: Vec<Bound<'py, PyString>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let pool = self.threads.pool()?;
        let posts = texts(&posts);
        let explain = || block_on(self.model.predictor.explain(&posts));
        let explanation = py.detach(|| pool.install(explain)).map_err(failed)?;
        objects::explanation(py, &explanation, &posts)
    }

    /// Predicts the users of a stream of record batches. Unless it is sorted, the rows are brought into order first. A lazy
    /// stream is predicted as it is read. `columns` are the names of those of the text and of the user. `evidence` is the number of words of evidence; 0 adds none.
    fn predict_stream(
        &self,
        py: Python<'_>,
        source: &Bound<'_, PyAny>,
        columns: (Option<String>, Option<String>),
        sorted: bool,
        lazy: bool,
        evidence: usize,
    ) -> PyResult<Stream> {
        let mut predictions = self.open(py, source, columns, sorted)?;
        if evidence > 0 {
            predictions = predictions.with_evidence(evidence);
        }
        if lazy {
            return Ok(Stream::lazy(Box::new(predictions)));
        }
        let mut batches = Vec::new();
        while let Some(batch) = py.detach(|| predictions.next()) {
            batches.push(batch.map_err(arrow_error)?);
            py.check_signals()?;
        }
        Ok(Stream::of(predictions.schema(), batches))
    }

    /// Counts the users of a stream of record batches. Returns the sums over them, and the number of users left out.
    fn count_stream<'py>(
        &self,
        py: Python<'py>,
        source: &Bound<'py, PyAny>,
        columns: (Option<String>, Option<String>),
        sorted: bool,
    ) -> PyResult<(Bound<'py, PyBytes>, u64)> {
        let mut users = self.open(py, source, columns, sorted)?;
        let (mut set, mut left_out) = (self.empty_set()?, 0);
        loop {
            let more = py.detach(|| users.count_into(&mut set));
            let Some(more) = more.map_err(arrow_error)? else {
                return Ok((self.sums(py, set)?, left_out));
            };
            left_out += more;
            py.check_signals()?;
        }
    }

    /// Counts users, posts, words and labels of a stream of record batches, whose rows are brought into order unless it is
    /// sorted. `labels` are the attributes, each with the column of its labels if that is not known.
    fn count_corpus(
        &self,
        py: Python<'_>,
        source: &Bound<'_, PyAny>,
        columns: (Option<String>, Option<String>),
        labels: Vec<(String, Option<String>)>,
        sorted: bool,
    ) -> PyResult<Stream> {
        let pool = self.threads.pool()?;
        let attributes: Vec<String> = labels.iter().map(|(name, _)| name.clone()).collect();
        let columns = Columns {
            labels: (labels.into_iter())
                .filter_map(|(name, column)| Some((name, column?)))
                .collect(),
            ..crate::columns(columns.0, columns.1)
        };
        let source = import(source, &columns, &attributes)?;
        let segmenter = &self.model.predictor.reader().segmenter;
        let counts = CorpusCounts::new(&source.schema(), &columns, attributes);
        let mut counts = counts.map_err(arrow_error)?;
        let mut source = py
            .detach(|| ordered(source, &columns, sorted))
            .map_err(arrow_error)?;
        while let Some(batch) = py.detach(|| source.next()) {
            let batch = batch.map_err(arrow_error)?;
            py.detach(|| pool.install(|| counts.add(&batch, segmenter)))
                .map_err(arrow_error)?;
            py.check_signals()?;
        }
        let counts = counts.finish().map_err(arrow_error)?;
        Ok(Stream::of(CorpusCounts::schema(), vec![counts]))
    }

    /// Adds up sums over users that `count_stream` returned.
    fn merge<'py>(
        &self,
        py: Python<'py>,
        sums: Vec<Bound<'py, PyBytes>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        self.sums(py, self.merged(&sums)?)
    }

    /// The estimated shares of the classes, as JSON.
    fn estimate(
        &self,
        py: Python<'_>,
        sums: Vec<Bound<'_, PyBytes>>,
        method: &str,
    ) -> PyResult<String> {
        let method: Method = method.parse().map_err(value_error)?;
        let set = self.merged(&sums)?;
        let estimate = py.detach(|| set.estimate(self.model.predictor.settings(), method));
        serde_json::to_string(&estimate).map_err(value_error)
    }
}

impl NativeModel {
    /// The users of a stream, whose rows are brought into order unless it is sorted.
    fn open(
        &self,
        py: Python<'_>,
        source: &Bound<'_, PyAny>,
        columns: (Option<String>, Option<String>),
        sorted: bool,
    ) -> PyResult<Predictions<Reader>> {
        let pool = self.threads.pool()?;
        let columns = crate::columns(columns.0, columns.1);
        let source = import(source, &columns, &[])?;
        let predictions = py.detach(|| {
            let source = ordered(source, &columns, sorted)?;
            Predictions::new(Arc::clone(&self.model), source, &columns)
        });
        Ok(predictions.map_err(arrow_error)?.on(pool))
    }

    fn empty_set(&self) -> PyResult<UserSet> {
        let settings = self.model.predictor.settings();
        match UserSet::is_possible(settings) {
            true => Ok(UserSet::new(settings, BaseRates::Corpus)),
            false => Err(value_error(
                "the model has no validation users from which shares could be estimated; fit it to labelled users with \
                 `auxlstm adapt`",
            )),
        }
    }

    fn sums<'py>(&self, py: Python<'py>, set: UserSet) -> PyResult<Bound<'py, PyBytes>> {
        let groups = [(String::new(), set)].into();
        let stored = StoredSums::new(&self.model.checksum, None, None, groups);
        let json = serde_json::to_vec(&stored).map_err(value_error)?;
        Ok(PyBytes::new(py, &json))
    }

    fn merged(&self, all: &[Bound<'_, PyBytes>]) -> PyResult<UserSet> {
        let mut set = self.empty_set()?;
        let Model {
            predictor,
            checksum,
        } = &*self.model;
        let mut max_words = None;
        for (number, sums) in (1..).zip(all) {
            let fail = |what: String| value_error(format!("sums number {number}: {what}"));
            let stored = StoredSums::read(sums.as_bytes(), checksum, predictor.settings());
            let stored = stored.map_err(fail)?;
            if let Some(by) = &stored.by {
                return Err(fail(format!(
                    "its users are grouped by {by:?}, and groups may share users; estimate each with `auxlstm population \
                     --add --by {by}`, or count all users without --by"
                )));
            }
            if *max_words.get_or_insert(stored.max_words) != stored.max_words {
                return Err(fail("its users were read with another --max-words".into()));
            }
            for group in stored.groups.values() {
                set.merge(group).map_err(fail)?;
            }
        }
        Ok(set)
    }
}

/// Rows that are brought into order unless they are sorted.
fn ordered(source: Reader, columns: &Columns, sorted: bool) -> Result<Reader, ArrowError> {
    Ok(match sorted {
        true => source,
        false => Box::new(Grouped::new(source, columns)?),
    })
}

/// Gives `handle` the posts of at most so many users after the other, and looks whether Ctrl-C was pressed.
fn each_chunk(
    py: Python<'_>,
    users: &[Vec<Bound<'_, PyString>>],
    most_users: usize,
    mut handle: impl FnMut(&[Vec<String>]) -> PyResult<()>,
) -> PyResult<()> {
    let mut users = users.iter().peekable();
    while users.peek().is_some() {
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        while chunk.len() < most_users && bytes < CHUNK_BYTES {
            let Some(posts) = users.next() else {
                break;
            };
            let posts = texts(posts);
            bytes += posts.iter().map(String::len).sum::<usize>();
            chunk.push(posts);
        }
        handle(&chunk)?;
        py.check_signals()?;
    }
    Ok(())
}

/// The text of Python strings, whose lone surrogates are read as U+FFFD.
fn texts(posts: &[Bound<'_, PyString>]) -> Vec<String> {
    let text = |post: &Bound<'_, PyString>| post.to_string_lossy().into_owned();
    posts.iter().map(text).collect()
}

fn failed(error: impl std::fmt::Display) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}
