//! The input of an LSTM.

use std::collections::HashMap;

use burn::tensor::Tensor;

/// A batch of sequences without padding: a table of vectors, and each sequence as row numbers of that table. A row number
/// is called a token.
///
/// Tokens that recur share a row, so the projection W·x of Eq. 1–4 is computed once for each distinct token and not at
/// every step.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fused_lstm::PackedBatch;
///
/// let vectors = Tensor::from_floats([[0.1, 0.2], [0.3, 0.4]], &Device::flex());
/// let batch = PackedBatch::new(vectors, vec![vec![0, 1, 0], vec![], vec![1]]);
/// assert_eq!(batch.lengths(), [3, 0, 1]);
/// ```
#[derive(Clone, Debug)]
pub struct PackedBatch {
    vectors: Tensor<2>,
    sequences: Vec<Vec<u32>>,
}

impl PackedBatch {
    /// A batch of `sequences` of row numbers of `vectors`, `[distinct tokens, input size]`.
    ///
    /// # Panics
    /// If `vectors` is empty or a token is not one of its rows.
    pub fn new(vectors: Tensor<2>, sequences: Vec<Vec<u32>>) -> Self {
        let [distinct, input_size] = vectors.dims();
        assert!(
            distinct > 0 && input_size > 0,
            "a batch needs at least one vector of at least one number"
        );
        assert!(
            (sequences.iter().flatten()).all(|&token| (token as usize) < distinct),
            "a token has no vector"
        );
        Self { vectors, sequences }
    }

    /// A batch from a padded tensor, `[batch, steps, input size]`, and the true length of each sequence. The values after
    /// the end of a sequence are ignored; they must be finite.
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use fused_lstm::PackedBatch;
    ///
    /// let padded = Tensor::<3>::ones([2, 5, 3], &Device::flex());
    /// let batch = PackedBatch::padded(padded, &[5, 2]);
    /// assert_eq!(batch.sequences()[1], [5, 6]);
    /// ```
    ///
    /// Tokens number the steps of all sequences, padding included, so there must be fewer than 2³² of these.
    ///
    /// # Panics
    /// If the tensor is empty or has too many steps, there is not one length for each sequence, or a length exceeds the number
    /// of steps.
    pub fn padded(vectors: Tensor<3>, lengths: &[usize]) -> Self {
        let [batch, steps, input_size] = vectors.dims();
        assert_eq!(lengths.len(), batch, "one length for each sequence");
        assert!(u32::try_from(batch * steps).is_ok(), "too many steps");
        let sequence = |(row, &length): (usize, &usize)| {
            assert!(length <= steps, "a length exceeds the number of steps");
            ((row * steps) as u32..(row * steps + length) as u32).collect()
        };
        let sequences = lengths.iter().enumerate().map(sequence).collect();
        Self::new(vectors.reshape([batch * steps, input_size]), sequences)
    }

    /// Numbers the distinct ids of `sequences` in the order of first occurrence. Returns these ids, whose vectors are to
    /// be the rows of a batch, and the sequences as row numbers. If all sequences are empty, the ids are `[0]`, because a
    /// batch has at least one row.
    ///
    /// ```
    /// use fused_lstm::PackedBatch;
    ///
    /// let (ids, sequences) = PackedBatch::distinct(&[&[70, 9, 70], &[9]]);
    /// assert_eq!(ids, [70, 9]);
    /// assert_eq!(sequences, [vec![0, 1, 0], vec![1]]);
    /// ```
    pub fn distinct(sequences: &[&[u32]]) -> (Vec<u32>, Vec<Vec<u32>>) {
        let mut rows = HashMap::new();
        let mut ids = Vec::new();
        let mut row = |id: u32| {
            *rows.entry(id).or_insert_with(|| {
                ids.push(id);
                ids.len() as u32 - 1
            })
        };
        let sequences = (sequences.iter())
            .map(|sequence| sequence.iter().map(|&id| row(id)).collect())
            .collect();
        if ids.is_empty() {
            ids.push(0);
        }
        (ids, sequences)
    }

    /// The vectors, `[distinct tokens, input size]`; at least one row.
    pub fn vectors(&self) -> &Tensor<2> {
        &self.vectors
    }

    /// The tokens of each sequence in order. Each is a row number of [`vectors`](Self::vectors).
    pub fn sequences(&self) -> &[Vec<u32>] {
        &self.sequences
    }

    /// The length of each sequence.
    pub fn lengths(&self) -> Vec<usize> {
        self.sequences.iter().map(Vec::len).collect()
    }
}
