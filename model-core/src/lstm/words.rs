//! What an LSTM reads.

use burn::tensor::Tensor;

/// A batch of texts: the vectors of the words that occur in it, each once, and where they stand.
///
/// A few words make up most of a text. So what depends on the word alone, the input's share W·x of the gates, can be
/// computed once for each distinct word and not at each place.
#[derive(Clone, Debug)]
pub struct Words {
    /// The vectors, `[distinct words, input size]`; at least one row, even where no text has a word.
    pub vectors: Tensor<2>,
    /// For each text its words in order, as rows of `vectors`.
    pub texts: Vec<Vec<u32>>,
}

impl Words {
    /// Texts that stand padded in one tensor, `[batch, steps, input size]`, with at least one step, and the true length
    /// of each beside them. What stands behind a text's end counts for nothing, as long as it is finite.
    pub fn padded(words: Tensor<3>, lengths: &[usize]) -> Self {
        let [batch, steps, input_size] = words.dims();
        assert_eq!(lengths.len(), batch, "one length for each text");
        let text = |(row, &length): (usize, &usize)| {
            assert!(length <= steps, "a length exceeds the number of steps");
            ((row * steps) as u32..(row * steps + length) as u32).collect()
        };
        assert!(batch * steps > 0, "at least one step of one text");
        Self {
            vectors: words.reshape([batch * steps, input_size]),
            texts: lengths.iter().enumerate().map(text).collect(),
        }
    }

    /// The number of words of each text.
    pub fn lengths(&self) -> Vec<usize> {
        self.texts.iter().map(Vec::len).collect()
    }
}
