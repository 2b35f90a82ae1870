//! How good predictions are: precision, recall and F as the paper computes them, accuracy beside the majority
//! baseline, the confusion matrix, and how far stated probabilities can be trusted.

mod association;
mod calibration;
mod metrics;
mod report;

pub use association::{cramers_v, cramers_v_corrected};
pub use calibration::{Confidences, calibration_error, log_loss};
pub use metrics::{ClassMetrics, Metrics};
pub use report::{Evaluation, Report};
