//! A model with the checksum of its file.

use model_core::bundle::BundleError;
use model_core::predictor::Predictor;

/// A model, and what its predictions say of their origin.
pub struct Model {
    /// The model.
    pub predictor: Predictor,
    /// The [`checksum`] of its bundle.
    pub checksum: String,
}

impl Model {
    /// Loads the bundle in `bytes`, to predict on the CPU.
    ///
    /// # Errors
    /// If `bytes` is not a bundle, is damaged, or has another format version.
    pub fn on_cpu(bytes: &[u8]) -> Result<Self, BundleError> {
        Ok(Self {
            predictor: Predictor::on_cpu(bytes)?,
            checksum: checksum(bytes),
        })
    }
}

/// The CRC-32 of a bundle's bytes as eight hexadecimal digits.
pub fn checksum(bundle: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(bundle))
}
