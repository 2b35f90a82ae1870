//! The errors of the model as reasons for the page.

use model_core::base_rates::BaseRatesError;
use model_core::bundle::{BundleError, FORMAT_VERSION};
use model_core::predictor::PredictError;
use model_core::text::TextError;

use crate::protocol::Reason;

impl From<BundleError> for Reason {
    fn from(error: BundleError) -> Self {
        match error {
            BundleError::Truncated(detail) => Self::IncompleteBundle(detail),
            BundleError::Foreign(detail) => Self::NotABundle(detail),
            BundleError::Newer(version) => Self::NewerBundle {
                version,
                readable: FORMAT_VERSION,
            },
            BundleError::Older(version) => Self::OlderBundle { version },
            // The worker writes no bundles.
            BundleError::Corrupt(detail) | BundleError::Unwritable(detail) => {
                Self::DamagedBundle(detail)
            }
        }
    }
}

impl From<TextError> for Reason {
    fn from(error: TextError) -> Self {
        match error {
            TextError::Dictionary(detail) => Self::UnusableDictionary(detail),
            error => Self::UnusableDictionary(error.to_string()),
        }
    }
}

impl From<BaseRatesError> for Reason {
    fn from(error: BaseRatesError) -> Self {
        Self::UnusableBaseRates(error.to_string())
    }
}

impl From<PredictError> for Reason {
    fn from(error: PredictError) -> Self {
        match error {
            PredictError::Device(detail) => Self::DeviceFailed(detail),
            PredictError::NotFinite => Self::NotFinite,
        }
    }
}
