//! The times of posts, in order to sort them.

use serde_json::Value;

pub(crate) use model_core::corpus::time::{day, month, time};

/// Milliseconds since 1970 of a string or a number; see [`time`].
pub(crate) fn of(value: &Value) -> Option<i64> {
    time(&crate::json::text(value))
}
