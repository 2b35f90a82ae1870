//! A loaded model.

use std::sync::Arc;

use arrow_array::{RecordBatchIterator, RecordBatchReader};
use burn::tensor::Device;
use columnar::{Grouped, Model, Predictions};
use futures_lite::future::block_on;
use model_core::text::Segmenter;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use crate::stream::{Reader, Stream, import};
use crate::threads::Threads;
use crate::{columns, objects, value_error};

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
            let mut model = Model::load(bundle, &Device::flex()).map_err(|error| error.to_string())?;
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
        let mut users = users.iter().peekable();
        while users.peek().is_some() {
            let (mut chunk, mut bytes) = (Vec::new(), 0);
            while chunk.len() < CHUNK_USERS && bytes < CHUNK_BYTES {
                let Some(posts) = users.next() else {
                    break;
                };
                let posts = texts(posts);
                bytes += posts.iter().map(String::len).sum::<usize>();
                chunk.push(posts);
            }
            let predict = || block_on(self.model.predictor.predict(&chunk));
            for prediction in py.detach(|| pool.install(predict)).map_err(failed)? {
                predictions.append(objects::prediction(py, &prediction)?)?;
            }
            py.check_signals()?;
        }
        Ok(predictions)
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
    /// stream is predicted as it is read.
    fn predict_stream(
        &self,
        py: Python<'_>,
        source: &Bound<'_, PyAny>,
        text: Option<String>,
        user: Option<String>,
        sorted: bool,
        lazy: bool,
    ) -> PyResult<Stream> {
        let pool = self.threads.pool()?;
        let columns = columns(text, user);
        let source = import(source)?;
        let mut predictions = py
            .detach(|| {
                let source: Reader = match sorted {
                    true => source,
                    false => Box::new(Grouped::new(source, &columns)?),
                };
                Predictions::new(Arc::clone(&self.model), source, &columns)
            })
            .map_err(value_error)?
            .on(pool);
        if lazy {
            return Ok(Stream::new(Box::new(predictions)));
        }
        let schema = predictions.schema();
        let mut batches = Vec::new();
        while let Some(batch) = py.detach(|| predictions.next()) {
            batches.push(Ok(batch.map_err(value_error)?));
            py.check_signals()?;
        }
        Ok(Stream::new(Box::new(RecordBatchIterator::new(
            batches, schema,
        ))))
    }
}

/// The text of Python strings, whose lone surrogates are read as U+FFFD.
fn texts(posts: &[Bound<'_, PyString>]) -> Vec<String> {
    let text = |post: &Bound<'_, PyString>| post.to_string_lossy().into_owned();
    posts.iter().map(text).collect()
}

fn failed(error: impl std::fmt::Display) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}
