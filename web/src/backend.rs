//! Which backend runs: a decision over what the browser says about its GPU.

use crate::protocol::BackendChoice;

/// A WebGPU adapter as the browser describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// Vendor, architecture, device or description: what the browser gives away of them.
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
            name: if name.is_empty() {
                "unnamed adapter".into()
            } else {
                name
            },
            timestamp_query,
        }
    }
}

/// The adapter to run on, or why the CPU runs instead (`None`: because the user chose it).
/// `found` is the adapter, or why there is none.
pub fn decide(
    choice: BackendChoice,
    found: Result<Adapter, String>,
) -> Result<Adapter, Option<String>> {
    if choice == BackendChoice::Cpu {
        return Err(None);
    }
    let adapter = found.map_err(Some)?;
    if !adapter.timestamp_query {
        return Err(Some(format!(
            "the WebGPU adapter ({}) lacks timestamp-query",
            adapter.name
        )));
    }
    if adapter.software && choice == BackendChoice::Auto {
        return Err(Some(format!(
            "WebGPU is only emulated in software here ({})",
            adapter.name
        )));
    }
    Ok(adapter)
}

/// What the automatic choice goes by: how long the CPU and the GPU have taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Crossover {
    /// Milliseconds a character on the CPU, of the longest texts lately.
    cpu: Option<f64>,
    /// Milliseconds for a batch on the GPU.
    gpu: Option<f64>,
}

/// Work that the CPU does in this many milliseconds is not worth the start of the GPU: fetching its program,
/// compiling its shaders.
const WORTH_A_START: f64 = 3_000.0;
/// Fewer characters say little about the CPU's speed.
const INFORMATIVE: u64 = 500;

impl Crossover {
    /// The CPU took so long for texts of so many characters.
    pub fn cpu_took(&mut self, characters: u64, milliseconds: f64) {
        if characters >= INFORMATIVE {
            self.cpu = Some(milliseconds / characters as f64);
        }
    }

    /// The GPU took so long for a batch.
    pub fn gpu_took(&mut self, milliseconds: f64) {
        self.gpu = Some(milliseconds);
    }

    /// Whether the GPU should do these texts, of so many characters, `ahead` more of which follow.
    pub fn is_gpu_better(&self, characters: u64, ahead: u64) -> bool {
        let Some(cpu) = self.cpu else {
            // The CPU needs no start; what it takes says how much there is to win.
            return false;
        };
        match self.gpu {
            None => (characters + ahead) as f64 * cpu > WORTH_A_START,
            // A GPU takes no less time for less text: it waits for one step after the other all the same.
            Some(milliseconds) => milliseconds < characters as f64 * cpu,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn automatic_is_what_was_measured_to_be_faster() {
        let mut crossover = Crossover::default();
        assert!(!crossover.is_gpu_better(1_000, 10_000_000), "the CPU first");
        crossover.cpu_took(100, 90.0);
        assert!(
            !crossover.is_gpu_better(1_000, 10_000_000),
            "that was too short to tell"
        );
        crossover.cpu_took(10_000, 20.0);
        assert!(
            !crossover.is_gpu_better(10_000, 1_000_000),
            "two seconds' work"
        );
        assert!(
            crossover.is_gpu_better(10_000, 2_000_000),
            "four seconds' work"
        );
        crossover.gpu_took(5.0);
        assert!(crossover.is_gpu_better(10_000, 0));
        assert!(!crossover.is_gpu_better(2_000, 0), "4 ms on the CPU");
        crossover.gpu_took(50.0);
        assert!(!crossover.is_gpu_better(10_000, 2_000_000), "a slow one");
    }

    fn adapter(parts: &[&str], fallback: bool, timestamp_query: bool) -> Adapter {
        Adapter::new(
            &parts
                .iter()
                .map(|part| part.to_string())
                .collect::<Vec<_>>(),
            fallback,
            timestamp_query,
        )
    }

    #[test]
    fn a_real_gpu_runs_unless_the_user_wants_the_cpu() {
        let gpu = adapter(&["nvidia", "", "ampere"], false, true);
        assert_eq!(gpu.name, "nvidia ampere");
        assert_eq!(
            decide(BackendChoice::Auto, Ok(gpu.clone())),
            Ok(gpu.clone())
        );
        assert_eq!(
            decide(BackendChoice::WebGpu, Ok(gpu.clone())),
            Ok(gpu.clone())
        );
        assert_eq!(decide(BackendChoice::Cpu, Ok(gpu)), Err(None));
    }

    #[test]
    fn software_runs_only_when_insisted_on() {
        for software in [
            adapter(&["google", "swiftshader"], false, true),
            adapter(&["some", "thing"], true, true),
        ] {
            assert!(software.software);
            let reason = decide(BackendChoice::Auto, Ok(software.clone()))
                .unwrap_err()
                .unwrap();
            assert!(
                reason.contains("software") && reason.contains(&software.name),
                "{reason}"
            );
            assert_eq!(
                decide(BackendChoice::WebGpu, Ok(software.clone())),
                Ok(software)
            );
        }
    }

    #[test]
    fn nothing_helps_without_timestamps_or_an_adapter() {
        let old = adapter(&[], false, false);
        assert_eq!(old.name, "unnamed adapter");
        for choice in [BackendChoice::Auto, BackendChoice::WebGpu] {
            let reason = decide(choice, Ok(old.clone())).unwrap_err().unwrap();
            assert!(reason.contains("timestamp-query"), "{reason}");
            assert_eq!(
                decide(choice, Err("no WebGPU".into())),
                Err(Some("no WebGPU".into()))
            );
        }
    }
}
