//! The mean hidden states of texts (Eq. 1–7 and the mean): on the CPU from the fused LSTMs alone, on other devices through burn.

use std::sync::{Mutex, PoisonError};

#[cfg(feature = "burn")]
use burn::tensor::Device;
use fused_lstm::{FrozenLstms, LstmWeights};

use super::PredictError;
use crate::{
    aux_lstm::AuxLstmSizes,
    bundle::{Bundle, BundleError},
    embedding::Embedding,
    parameters::{NamedTensor, values},
};
#[cfg(feature = "burn")]
use {super::batches::read_rows, crate::aux_lstm::AuxLstm};

/// The most prepared LSTMs that are kept between calls. Each holds some 32 MiB of projected words, or those of one call.
const MOST_IDLE: usize = 16;

/// The LSTMs of a model.
pub enum States {
    Cpu {
        parameters: Vec<NamedTensor>,
        sizes: AuxLstmSizes,
        /// The LSTMs prepared for calls to come. A call takes one out for itself, or makes one if there is none, and puts it
        /// back.
        idle: Mutex<Vec<FrozenLstms>>,
    },
    #[cfg(feature = "burn")]
    Device {
        network: Box<AuxLstm>,
        device: Device,
    },
}

impl States {
    pub fn on_cpu(bundle: &Bundle) -> Result<Self, BundleError> {
        let (parameters, sizes) = (&bundle.parameters, &bundle.settings.sizes);
        let first = frozen(parameters, sizes).map_err(BundleError::Corrupt)?;
        Ok(Self::Cpu {
            parameters: parameters.clone(),
            sizes: sizes.clone(),
            idle: Mutex::new(vec![first]),
        })
    }

    #[cfg(feature = "burn")]
    pub fn on_device(bundle: &Bundle, device: &Device) -> Result<Self, BundleError> {
        Ok(Self::Device {
            network: bundle.network(device)?.into(),
            device: device.clone(),
        })
    }

    /// The mean states of each text of word ids: those of the shared LSTM first, and then those of the tasks.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn means(
        &self,
        texts: &[&[u32]],
        embedding: &Embedding,
    ) -> Result<Vec<Vec<f32>>, PredictError> {
        match self {
            Self::Cpu {
                parameters,
                sizes,
                idle,
            } => {
                let lock = || idle.lock().unwrap_or_else(PoisonError::into_inner);
                let ready = lock().pop();
                let mut lstms = ready.unwrap_or_else(|| {
                    frozen(parameters, sizes).expect("the parameters were checked at the start")
                });
                let means = lstms.forward(texts, |id, vectors| embedding.append(id, vectors));
                let mut idle = lock();
                if idle.len() < MOST_IDLE {
                    idle.push(lstms);
                }
                let width = (means.len() / texts.len().max(1)).max(1);
                Ok(means.chunks_exact(width).map(<[f32]>::to_vec).collect())
            }
            #[cfg(feature = "burn")]
            Self::Device { network, device } => {
                let words = embedding.embed(texts, device);
                read_rows(fused_lstm::forward_together(&network.lstms(), &words)).await
            }
        }
    }
}

/// The LSTMs with the weights of a bundle.
fn frozen(parameters: &[NamedTensor], sizes: &AuxLstmSizes) -> Result<FrozenLstms, String> {
    let input_size = sizes.input_size;
    let lstm = |name: &str, hidden_size: usize| {
        let gates = 4 * hidden_size;
        let values = |part: &str, length| values(parameters, &format!("{name}.{part}"), length);
        Ok::<_, String>(LstmWeights {
            hidden_size,
            input: values("input", input_size * gates)?,
            recurrent: values("recurrent", hidden_size * gates)?,
            bias: values("bias", gates)?,
        })
    };
    let lstms = sizes.lstms().map(|(name, size)| lstm(&name, size));
    let lstms = lstms.collect::<Result<Vec<_>, _>>()?;
    Ok(FrozenLstms::new(input_size, &lstms))
}
