//! The flag for base rates of the commands that predict labels.

use std::path::Path;

use clap::Args;
use model_core::base_rates::BaseRates;

use super::Failure;
use crate::limited;

#[derive(Args)]
pub(super) struct BaseRatesArgument {
    /// How frequent each class is taken to be among the writers before their text is read: `equal`, `corpus` (as among the
    /// training users), or a JSON file of shares, {ATTRIBUTE: {CLASS: SHARE, …}, …}
    #[arg(long, value_name = "RATES", default_value = "equal")]
    base_rates: String,
}

/// The most bytes of a file of base rates.
const MOST_BYTES: u64 = 1 << 20;

impl BaseRatesArgument {
    pub(super) fn read(&self) -> Result<BaseRates, Failure> {
        match self.base_rates.as_str() {
            "equal" => return Ok(BaseRates::Equal),
            "corpus" => return Ok(BaseRates::Corpus),
            _ => {}
        }
        let fail = |what: &dyn std::fmt::Display| {
            let name = &self.base_rates;
            Failure::from(format!(
                "--base-rates {name}: {what} (permitted: equal, corpus, or a JSON file of shares)"
            ))
        };
        let bytes = limited::read(
            Path::new(&self.base_rates),
            MOST_BYTES,
            "a file of base rates",
        )
        .map_err(|error| fail(&error))?;
        (serde_json::from_slice(&bytes).map(BaseRates::Given)).map_err(|error| fail(&error))
    }
}
