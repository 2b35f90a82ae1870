//! Texts of similar length in one pass of the network.

#[cfg(feature = "burn")]
use burn::tensor::{Device, Tensor};

#[cfg(feature = "burn")]
use super::{Logits, PredictError};
#[cfg(feature = "burn")]
use crate::{aux_lstm::AuxLstm, embedding::Embedding};

/// The most users in one pass of the network.
const BATCH: usize = 64;
/// The most words in one pass of the network, every text counted as long as the longest. It bounds the memory of a pass,
/// also for the reference LSTM, which pads.
pub(super) const BATCH_WORDS: usize = 32_768;

/// The indices of `texts`, in batches of texts of similar length.
pub(super) fn batches(texts: &[&[u32]]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&text| texts[text].len());
    let mut batches = Vec::new();
    let mut rest = order.as_slice();
    while !rest.is_empty() {
        // Texts are in order of length: the last of a batch is its longest.
        let size = (1..=rest.len().min(BATCH))
            .take_while(|&size| size == 1 || size * texts[rest[size - 1]].len() <= BATCH_WORDS)
            .last()
            .unwrap_or(1);
        let (batch, later) = rest.split_at(size);
        batches.push(batch.to_vec());
        rest = later;
    }
    batches
}

/// The texts of a batch.
pub(super) fn select<'a>(texts: &[&'a [u32]], batch: &[usize]) -> Vec<&'a [u32]> {
    batch.iter().map(|&text| texts[text]).collect()
}

/// The logits of texts of word ids, computed in batches: `logits[text][task][class]`, in the order of `texts`.
///
/// # Errors
/// If the device fails.
#[cfg(feature = "burn")]
pub async fn logits(
    network: &AuxLstm,
    embedding: &Embedding,
    texts: &[&[u32]],
    device: &Device,
) -> Result<Vec<Logits>, PredictError> {
    let forward =
        |batch: &[usize]| network.forward(&embedding.embed(&select(texts, batch), device));
    logits_by(texts, forward).await
}

/// Like [`logits`], for any network: `forward` takes the indices in `texts` of a batch and returns `[batch, classes]` for
/// each task.
///
/// # Errors
/// If the device fails.
#[cfg(feature = "burn")]
pub async fn logits_by(
    texts: &[&[u32]],
    forward: impl Fn(&[usize]) -> Vec<Tensor<2>>,
) -> Result<Vec<Logits>, PredictError> {
    let mut result = vec![Vec::new(); texts.len()];
    for batch in batches(texts) {
        let tasks = forward(&batch);
        let classes: Vec<usize> = tasks.iter().map(|logits| logits.dims()[1]).collect();
        for (row, text) in read_rows(tasks).await?.into_iter().zip(batch) {
            let mut row = row.into_iter();
            let of_task = |&count: &usize| row.by_ref().take(count).collect();
            result[text] = classes.iter().map(of_task).collect();
        }
    }
    Ok(result)
}

/// What a device says of its failure, without the backtrace that follows.
#[cfg(feature = "burn")]
fn in_one_line(reason: &str) -> String {
    let lines = reason.lines().map(str::trim);
    let said = lines.take_while(|line| !line.to_lowercase().starts_with("backtrace"));
    said.collect::<Vec<_>>().join(" ")
}

/// Reads tensors of a batch, `[texts, n]` each, back from the device: side by side, a row for each text.
#[cfg(feature = "burn")]
pub(super) async fn read_rows(tensors: Vec<Tensor<2>>) -> Result<Vec<Vec<f32>>, PredictError> {
    // One read for all: on a GPU each read is a round trip.
    let tensor = Tensor::cat(tensors, 1);
    let [_, width] = tensor.dims();
    let data = (tensor.into_data_async().await)
        .map_err(|error| PredictError::Device(in_one_line(error.reason())))?;
    let values: Vec<f32> = data.iter().collect();
    Ok(values.chunks_exact(width).map(<[f32]>::to_vec).collect())
}

#[cfg(all(test, feature = "burn"))]
mod tests {
    #[test]
    fn the_reason_of_a_failed_device_ended_in_a_backtrace() {
        let reason =
            "The device is poisoned\nCaused by:\n  Lost: destroyed\nBacktrace:\n   0: wasm";
        let shown = super::in_one_line(reason);
        assert_eq!(shown, "The device is poisoned Caused by: Lost: destroyed");
    }
}
