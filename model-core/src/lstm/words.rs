//! What an LSTM reads.

use std::collections::HashMap;

use burn::tensor::Tensor;

use crate::vocabulary::PADDING;

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

    /// The distinct words of texts, in the order in which they first occur, and the texts as places among these. Where no
    /// text has a word, [`PADDING`] stands for one.
    pub fn distinct(texts: &[&[u32]]) -> (Vec<u32>, Vec<Vec<u32>>) {
        let mut places = HashMap::new();
        let mut distinct = Vec::new();
        let mut place = |id: u32| {
            *places.entry(id).or_insert_with(|| {
                distinct.push(id);
                distinct.len() as u32 - 1
            })
        };
        let texts = (texts.iter())
            .map(|text| text.iter().map(|&id| place(id)).collect())
            .collect();
        if distinct.is_empty() {
            distinct.push(PADDING);
        }
        (distinct, texts)
    }

    /// The number of words of each text.
    pub fn lengths(&self) -> Vec<usize> {
        self.texts.iter().map(Vec::len).collect()
    }
}
