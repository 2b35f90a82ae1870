//! The paper's experiments: a grid of cells, each a system learned on users and tested on others, and the report on them.

mod average;
mod cell;
mod config;
mod corpus;
mod report;
mod runner;
mod system;
mod systems;
mod users;

pub use average::average;
pub use cell::{Cell, CellError, CellKey, TestUser};
pub use config::Experiment;
pub use corpus::{Association, AttributeSummary, CorpusSummary};
pub use report::Report;
pub use runner::run;
pub use system::ExperimentError;
