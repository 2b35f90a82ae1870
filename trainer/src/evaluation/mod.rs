//! How good predictions are: precision, recall and F as the paper computes them, accuracy beside the majority
//! baseline, the confusion matrix, how far stated probabilities can be trusted, and whether a difference is one.

mod association;
mod calibration;
mod metrics;
mod report;
mod significance;

pub use association::{cramers_v, cramers_v_corrected};
pub use calibration::{Confidences, calibration_error, log_loss};
pub use metrics::{ClassMetrics, Metrics};
pub use report::{Evaluation, Report, are_fair_sample};
pub use significance::{Bootstrap, Difference, Predictions, RESAMPLES, Spread, holm, macro_t_test};
