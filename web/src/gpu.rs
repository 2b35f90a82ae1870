//! The program for WebGPU. The worker fetches it when it is first needed and calls the functions here. It is a separate
//! program, so that a panic in the GPU code does not end the worker.

use burn::tensor::Device;
use js_sys::Function;
use model_core::predictor::Predictor;
use model_core::text::Segmenter;
use wasm_bindgen::prelude::*;

use crate::worker::predict;

/// The GPU.
#[wasm_bindgen]
pub struct Gpu {
    device: Device,
}

/// A model on the GPU.
#[wasm_bindgen]
pub struct GpuModel {
    predictor: Predictor,
}

/// Opens the GPU; possible only once. A panic calls `failed` with a message, and no promise of this program is settled
/// afterwards.
///
/// To be called only if there is an adapter with `timestamp-query`: the GPU code panics otherwise.
#[wasm_bindgen]
pub async fn open(failed: Function) -> Result<Gpu, JsError> {
    std::panic::set_hook(Box::new(move |info| {
        console_error_panic_hook::hook(info);
        let message = info.payload_as_str().unwrap_or("panic");
        let line = message.lines().next().unwrap_or_default();
        // A failure of this call cannot be reported anywhere.
        let _ = failed.call1(&JsValue::NULL, &line.into());
    }));
    let device = Device::wgpu_options().tasks_max(32).init_async().await;
    let device = device.map_err(|error| JsError::new(&error.to_string()))?;
    Ok(Gpu { device })
}

#[wasm_bindgen]
impl Gpu {
    /// Loads a bundle, with the dictionary if it needs one.
    pub fn load(&self, bundle: &[u8], dictionary: Option<Vec<u8>>) -> Result<GpuModel, JsError> {
        let mut predictor = Predictor::load(bundle, &self.device)?;
        if let Some(dictionary) = dictionary {
            predictor.use_segmenter(Segmenter::with_dictionary(&*dictionary)?)?;
        }
        Ok(GpuModel { predictor })
    }
}

#[wasm_bindgen]
impl GpuModel {
    /// Assumes these base rates, given as JSON, from now on.
    pub fn use_base_rates(&mut self, base_rates: &str) -> Result<(), JsError> {
        let base_rates = serde_json::from_str(base_rates)?;
        Ok(self.predictor.use_base_rates(base_rates)?)
    }

    /// Predicts users. Takes the posts of each user and the hashes of their keys or null; returns the predictions and, with
    /// hashes, the set of these users. Both are lists of two values as JSON.
    pub async fn predict(&self, request: String) -> Result<String, JsError> {
        let (users, hashes): (Vec<Vec<String>>, Option<Vec<u64>>) = serde_json::from_str(&request)?;
        let answer = predict(&self.predictor, &users, hashes.as_deref()).await?;
        Ok(serde_json::to_string(&answer)?)
    }
}
