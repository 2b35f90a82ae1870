//! Figures of predictions: precision, recall, macro-F1 and the F of the paper, accuracy and the majority baseline, the
//! confusion matrix, the calibration of the probabilities, and tests of significance.

mod association;
mod calibration;
mod intervals;
mod metrics;
mod report;
mod significance;
mod tables;

pub use association::{cramers_v, cramers_v_corrected};
pub use calibration::{Confidences, calibration_error, log_loss, log_probability};
pub use intervals::{ClassIntervals, Interval, Intervals};
pub use metrics::{ClassMetrics, FEW_USERS, Metrics, few_users_warning};
pub use report::{Evaluation, Report, are_fair_sample};
pub use significance::{
    Bootstrap, Difference, Predictions, RESAMPLES, Spread, guessing_p, holm, macro_t_test,
};
pub use tables::{INTERVALS, MEANINGS, add_groups, add_sections, comparison, in_language, title};
