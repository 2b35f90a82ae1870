//! The forward pass for inference, with packed weights and a cache of projected tokens.

use super::{
    forward::{Packed, project_all, run},
    layout::{Aligned, Batch, Layout, Weights},
};

/// The cache is cleared when it exceeds this size. Frequent tokens soon return.
const MOST_BYTES: usize = 32 << 20;
/// Marks a token without a row.
const NO_ROW: u32 = u32::MAX;

/// LSTMs with packed weights, and a cache of W·x + b of all their gates for the tokens seen so far. Most tokens of a sequence
/// have occurred in earlier ones.
#[derive(Debug)]
pub struct Frozen {
    packed: Packed,
    /// The cache, `[capacity, gates]`, of which the first `rows` rows are in use.
    table: Aligned,
    rows: usize,
    most_rows: usize,
    /// The row of each token.
    row_of: Vec<u32>,
}

impl Frozen {
    pub fn new(layout: &Layout, weights: Weights<'_>) -> Self {
        Self {
            packed: Packed::new(layout, weights),
            table: Aligned::zeros(0),
            rows: 0,
            most_rows: MOST_BYTES / (layout.gates() * size_of::<f32>()),
            row_of: Vec::new(),
        }
    }

    /// The mean hidden state of each sequence, `[batch, Σ hidden]`; `append` adds the vector of a token.
    pub fn mean_states(
        &mut self,
        sequences: &[&[u32]],
        append: impl Fn(u32, &mut Vec<f32>),
    ) -> Vec<f32> {
        if self.rows > self.most_rows {
            self.clear();
        }
        let gates = self.packed.layout.gates();
        let before = self.rows;
        let mut vectors = Vec::new();
        let tokens: Vec<u32> = (sequences.iter().copied().flatten())
            .map(|&token| {
                let id = token as usize;
                if self.row_of.len() <= id {
                    self.row_of.resize(id + 1, NO_ROW);
                }
                if self.row_of[id] == NO_ROW {
                    append(token, &mut vectors);
                    self.row_of[id] = self.rows as u32;
                    self.rows += 1;
                }
                self.row_of[id]
            })
            .collect();
        let (known, wanted) = (before * gates, self.rows * gates);
        if self.table.len() < wanted {
            let mut larger = Aligned::zeros(wanted.max(2 * self.table.len()));
            larger[..known].copy_from_slice(&self.table[..known]);
            self.table = larger;
        }
        self.table[known..wanted].copy_from_slice(&project_all(&self.packed, &vectors));
        let lengths: Vec<usize> = sequences.iter().map(|sequence| sequence.len()).collect();
        let batch = Batch {
            vectors: &[],
            tokens: &tokens,
            lengths: &lengths,
        };
        run(&self.packed, batch, Some(&self.table), None)
    }

    /// Clears the cache.
    fn clear(&mut self) {
        self.rows = 0;
        self.row_of.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Instructions, forward};
    use super::*;

    #[test]
    fn earlier_calls_do_not_change_the_result() {
        let number = |index: usize| ((index * 37 % 101) as f32 - 50.0) / 100.0;
        let numbers = |count: usize| (0..count).map(number).collect::<Vec<f32>>();
        let (input, hidden) = (7, [5, 18]);
        let layout = Layout::new(Instructions::of_this_machine(), input, &hidden);
        let (weights, bias) = (numbers(input * 4 * 23), numbers(4 * 23));
        let recurrent = numbers(4 * (5 * 5 + 18 * 18));
        let weights = Weights {
            input: &weights,
            recurrent: &recurrent,
            bias: &bias,
        };
        let vector = |token: u32| (0..input).map(move |k| number(token as usize * 11 + k));
        let mut serving = Frozen::new(&layout, weights);
        serving.most_rows = 12;
        for call in 0..20_u32 {
            let sequences: Vec<Vec<u32>> = (0..4)
                .map(|sequence| {
                    (0..call % 6 * sequence)
                        .map(|place| (call + place * 3) % 17)
                        .collect()
                })
                .collect();
            let sequences: Vec<&[u32]> = sequences.iter().map(Vec::as_slice).collect();
            let means =
                serving.mean_states(&sequences, |token, vectors| vectors.extend(vector(token)));
            let tokens = sequences.concat();
            let vectors: Vec<f32> = tokens.iter().flat_map(|&token| vector(token)).collect();
            let places: Vec<u32> = (0..tokens.len() as u32).collect();
            let lengths: Vec<usize> = sequences.iter().map(|sequence| sequence.len()).collect();
            let batch = Batch {
                vectors: &vectors,
                tokens: &places,
                lengths: &lengths,
            };
            assert_eq!(means, forward(&layout, batch, weights), "call {call}");
            assert!(serving.rows <= 17);
        }
    }
}
