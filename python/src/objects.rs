//! Predictions and explanations as Python dictionaries, from which the package makes its typed objects.

use model_core::explanation::{AttributeEvidence, Explanation, ReadWord};
use model_core::prediction::{AttributePrediction, CoarsePrediction, Named, UserPrediction};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

pub fn prediction<'py>(
    py: Python<'py>,
    prediction: &UserPrediction,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("words", prediction.words)?;
    dict.set_item("known_words", prediction.known_words)?;
    dict.set_item(
        "language",
        prediction.language.map(|language| language.code()),
    )?;
    let attributes = named(py, &prediction.predictions, attribute)?;
    dict.set_item("attributes", attributes)?;
    Ok(dict)
}

fn attribute<'py>(
    py: Python<'py>,
    prediction: &AttributePrediction,
) -> PyResult<Bound<'py, PyAny>> {
    let dict = PyDict::new(py);
    dict.set_item("label", &prediction.label)?;
    dict.set_item("confident", prediction.confident)?;
    dict.set_item("probabilities", numbers(py, &prediction.probabilities)?)?;
    dict.set_item("status", prediction.status())?;
    let coarse = prediction.coarse.as_ref();
    dict.set_item(
        "coarse",
        coarse.map(|coarse| self::coarse(py, coarse)).transpose()?,
    )?;
    Ok(dict.into_any())
}

fn coarse<'py>(py: Python<'py>, prediction: &CoarsePrediction) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("label", &prediction.label)?;
    dict.set_item("confident", prediction.confident)?;
    dict.set_item("probabilities", numbers(py, &prediction.probabilities)?)?;
    Ok(dict)
}

pub fn explanation<'py>(
    py: Python<'py>,
    explanation: &Explanation,
    posts: &[String],
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("prediction", prediction(py, &explanation.prediction)?)?;
    dict.set_item("words", words(py, &explanation.words, posts)?)?;
    dict.set_item("attributes", named(py, &explanation.attributes, evidence)?)?;
    Ok(dict)
}

/// Post, start, end, text and whether it is known, of each word. Python counts characters, not bytes.
fn words<'py>(
    py: Python<'py>,
    words: &[ReadWord],
    posts: &[String],
) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    let (mut post, mut byte, mut character) = (0, 0, 0);
    for word in words {
        let text = posts.get(word.post).map(String::as_str).unwrap_or_default();
        if word.post != post || word.start < byte {
            (post, byte, character) = (word.post, 0, 0);
        }
        let count = |from: usize, to: usize| text.get(from..to).unwrap_or_default().chars().count();
        let start = character + count(byte, word.start);
        let end = start + count(word.start, word.end);
        (byte, character) = (word.end, end);
        let spelling = text.get(word.start..word.end).unwrap_or_default();
        list.append((word.post, start, end, spelling, word.known))?;
    }
    Ok(list)
}

fn evidence<'py>(py: Python<'py>, evidence: &AttributeEvidence) -> PyResult<Bound<'py, PyAny>> {
    let list = |py: Python<'py>, values: &Vec<f32>| Ok(PyList::new(py, values)?.into_any());
    let classes = named(py, &evidence.classes, list)?;
    let coarse = evidence.coarse.as_ref();
    let coarse = coarse.map(|coarse| named(py, coarse, list)).transpose()?;
    Ok((classes, coarse).into_pyobject(py)?.into_any())
}

fn numbers<'py>(py: Python<'py>, values: &Named<f32>) -> PyResult<Bound<'py, PyDict>> {
    named(py, values, |py, value| {
        Ok(value.into_pyobject(py)?.into_any())
    })
}

fn named<'py, T>(
    py: Python<'py>,
    values: &Named<T>,
    convert: impl Fn(Python<'py>, &T) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in values.iter() {
        dict.set_item(name, convert(py, value)?)?;
    }
    Ok(dict)
}
