//! The flag for base rates of the commands that predict labels.

use std::path::Path;

use clap::Args;
use model_core::base_rates::BaseRates;

use super::Failure;
use crate::limited;
use crate::settings::plain;

#[derive(Args)]
pub(super) struct BaseRatesArgument {
    /// How frequent each class is taken to be among the users before their text is read: `equal` (all coarse classes alike,
    /// and the classes within each), `corpus` (as among the training users), or a JSON file of shares, {ATTRIBUTE: {CLASS: SHARE, …}, …}
    #[arg(long, value_name = "RATES", default_value = "equal")]
    base_rates: String,
}

/// The most bytes of a file of base rates.
const MOST_BYTES: u64 = 1 << 20;

impl BaseRatesArgument {
    pub(super) fn file(&self) -> Option<&Path> {
        file(&self.base_rates)
    }

    /// The value as given.
    pub(super) fn name(&self) -> &str {
        &self.base_rates
    }

    pub(super) fn read(&self) -> Result<BaseRates, Failure> {
        read(&self.base_rates)
    }
}

/// The file that is read for a value of `--base-rates`, if it names one.
pub(super) fn file(rates: &str) -> Option<&Path> {
    (!matches!(rates, "equal" | "corpus")).then_some(Path::new(rates))
}

/// The base rates that a value of `--base-rates` stands for.
pub(super) fn read(rates: &str) -> Result<BaseRates, Failure> {
    match rates {
        "equal" => return Ok(BaseRates::Equal),
        "corpus" => return Ok(BaseRates::Corpus),
        _ => {}
    }
    let fail = |what: &dyn std::fmt::Display| {
        Failure::from(format!(
            "--base-rates {rates}: {what} (permitted: equal, corpus, or a JSON file {{ATTRIBUTE: {{CLASS: SHARE, …}}, …}})"
        ))
    };
    let bytes = limited::read(Path::new(rates), MOST_BYTES, "a file of base rates")
        .map_err(|error| fail(&error))?;
    (serde_json::from_slice(&bytes).map(BaseRates::Given))
        .map_err(|error| fail(&plain(&error.to_string())))
}
