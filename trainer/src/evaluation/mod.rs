//! How well predictions agree with the truth.

mod metrics;

pub use metrics::{Metrics, calibration_error};
