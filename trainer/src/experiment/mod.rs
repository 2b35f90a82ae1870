//! The paper's experiments: a grid of cells, each a system learned on users and tested on others, and the report on them.

mod cell;
mod corpus;
mod report;

pub use cell::{Cell, CellError, CellKey, TestUser};
pub use corpus::{Association, AttributeSummary, CorpusSummary};
pub use report::Report;
