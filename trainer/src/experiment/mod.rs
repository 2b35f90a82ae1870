//! The paper's experiments: a grid of runs, each of which fits one system on users and evaluates it on others, and the report.
//!
//! Dependencies between modules go in one direction, in this order: the stored results (`run`, `corpus`), the `users`, the trait
//! of all systems (`system`), the `systems` with their registry, the settings (`config`), the runs that they describe (`plan`),
//! and the execution of these (`record`, `runner`). The `report` reads the stored results alone. A new system is a file in
//! `systems/` and a line in its registry.

mod average;
mod cache;
mod claims;
mod config;
mod corpus;
mod error;
mod labels;
mod plan;
mod record;
mod report;
mod run;
mod runner;
mod system;
mod systems;
mod users;

pub use average::average;
pub use config::Experiment;
pub use corpus::{Association, AttributeSummary, CorpusSummary};
pub use error::ExperimentError;
pub use plan::read;
pub use report::Report;
pub use run::{Run, RunKey, StoredError, TestUser};
pub use runner::{Chosen, files, list, run};
