//! The posts of one user of a batch, which does not keep them.

use std::ops::ControlFlow;
use std::sync::Arc;

use model_core::base_rates::BaseRates;

use super::Batch;
use crate::protocol::ChunkSize;

/// How much is read in a step. More would be felt while typing.
const STEP: ChunkSize = ChunkSize {
    users: 1_000,
    characters: 1 << 20,
};

/// Reads the files again, up to one user.
pub struct Search {
    again: Batch,
    /// How many users come before the one.
    before: usize,
}

impl Batch {
    /// Looks for the user of the [line](Self::lines) at this place.
    pub fn search(&self, place: usize) -> Search {
        Search {
            again: Self::begin(Arc::clone(&self.files), BaseRates::default()),
            before: place,
        }
    }
}

impl Search {
    /// Reads on. Breaks with the posts of the user, or without them if there is no such user.
    pub fn step(&mut self) -> ControlFlow<Option<Vec<String>>> {
        let Some(mut chunk) = self.again.read_chunk(STEP) else {
            return ControlFlow::Break(None);
        };
        if self.before < chunk.posts.len() {
            return ControlFlow::Break(Some(chunk.posts.swap_remove(self.before)));
        }
        self.before -= chunk.posts.len();
        ControlFlow::Continue(())
    }
}
