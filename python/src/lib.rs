//! The native half of the Python package `auxlstm`: loads models, predicts, and exchanges Arrow streams. The classes that users
//! meet are in `python/auxlstm`.

mod model;
mod objects;
mod stream;
mod threads;

use arrow_schema::ArrowError;
use model_core::corpus::Columns;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

pub use model::NativeModel;
pub use stream::Stream;

/// An error as a `ValueError` with its message.
fn value_error(error: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// An error of Arrow as a `ValueError`, whose message is that of the program or the check that failed.
fn arrow_error(error: ArrowError) -> PyErr {
    match error {
        ArrowError::SchemaError(message) | ArrowError::CDataInterface(message) => {
            value_error(message)
        }
        other => value_error(other),
    }
}

fn columns(text: Option<String>, user: Option<String>) -> Columns {
    Columns {
        text,
        user,
        ..Columns::default()
    }
}

/// The indices of the columns of the text and of the user's id.
#[pyfunction]
fn places(
    names: Vec<String>,
    text: Option<String>,
    user: Option<String>,
) -> PyResult<(usize, Option<usize>)> {
    let places = columns(text, user).places(&names).map_err(value_error)?;
    Ok((places.text, places.user))
}

/// The index of the column of an attribute's labels, whose name may be stated.
#[pyfunction]
fn label_place(names: Vec<String>, attribute: &str, column: Option<String>) -> PyResult<usize> {
    let labels = column.map(|column| (attribute.to_owned(), column));
    let columns = Columns {
        labels: labels.into_iter().collect(),
        ..Columns::default()
    };
    columns.label_place(&names, attribute).map_err(value_error)
}

/// The native half of the package.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<NativeModel>()?;
    module.add_class::<Stream>()?;
    module.add_function(wrap_pyfunction!(label_place, module)?)?;
    module.add_function(wrap_pyfunction!(places, module)?)
}
