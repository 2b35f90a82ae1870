//! Which backend may run, by what the browser reports about its GPU.

use crate::protocol::{BackendChoice, Reason};

/// A WebGPU adapter as the browser describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// Vendor, architecture, device and description, as far as the browser reports them; empty if it reports none.
    pub name: String,
    /// Whether WebGPU is computed on the CPU.
    pub software: bool,
    /// Whether it has `timestamp-query`. The GPU code panics in the browser without it.
    pub timestamp_query: bool,
}

impl Adapter {
    /// An adapter from its parts; empty ones are left out of the name.
    pub fn new(parts: &[String], fallback: bool, timestamp_query: bool) -> Self {
        let name = parts
            .iter()
            .filter(|part| !part.is_empty())
            .cloned()
            .collect::<Vec<_>>()
            .join(" ");
        let lower = name.to_lowercase();
        Self {
            // Not every browser marks a software adapter as the fallback that it is.
            software: fallback
                || ["swiftshader", "llvmpipe", "basic render"]
                    .iter()
                    .any(|s| lower.contains(s)),
            name,
            timestamp_query,
        }
    }
}

/// The adapter that the GPU's program may run on, or why only the CPU may (`None`: because the visitor chose it). `found`
/// is the browser's adapter, or why there is none.
pub fn decide(
    choice: BackendChoice,
    found: Result<Adapter, Reason>,
) -> Result<Adapter, Option<Reason>> {
    if choice == BackendChoice::Cpu {
        return Err(None);
    }
    let adapter = found.map_err(Some)?;
    if !adapter.timestamp_query {
        let adapter = adapter.name;
        return Err(Some(Reason::NoTimestampQuery { adapter }));
    }
    if adapter.software && choice == BackendChoice::Auto {
        let adapter = adapter.name;
        return Err(Some(Reason::SoftwareAdapter { adapter }));
    }
    Ok(adapter)
}

#[cfg(test)]
mod tests;
