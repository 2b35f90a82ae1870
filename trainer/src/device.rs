//! The devices that can compute on this machine.

use burn::tensor::Device;

/// The default device. With the fused LSTM, the CPU is a safe choice everywhere.
pub const DEFAULT: &str = "cpu";

/// A kind of device that this program was built for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its name for `--device` and in configs.
    pub name: &'static str,
    /// The hardware, or why it is not available.
    pub description: String,
    /// Whether it can be used.
    pub available: bool,
}

/// Why a device cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The name is unknown.
    #[error("unknown device {0:?}; permitted: {1}")]
    Unknown(String, String),
    /// This build or machine does not have the device.
    #[error("device {0:?} cannot be used: {1}")]
    Unavailable(&'static str, String),
}

/// All kinds of devices, with the hardware behind each.
pub fn all() -> Vec<DeviceInfo> {
    KINDS
        .iter()
        .map(|kind| match (kind.open)() {
            Ok((_, description)) => DeviceInfo {
                name: kind.name,
                description,
                available: true,
            },
            Err(reason) => DeviceInfo {
                name: kind.name,
                description: reason,
                available: false,
            },
        })
        .collect()
}

/// The device called `name`.
pub fn choose(name: &str) -> Result<Device, DeviceError> {
    let kind = KINDS.iter().find(|kind| kind.name == name).ok_or_else(|| {
        DeviceError::Unknown(
            name.to_owned(),
            KINDS
                .iter()
                .map(|kind| kind.name)
                .collect::<Vec<_>>()
                .join(", "),
        )
    })?;
    match (kind.open)() {
        Ok((device, _)) => Ok(device),
        Err(reason) => Err(DeviceError::Unavailable(kind.name, reason)),
    }
}

struct Kind {
    name: &'static str,
    /// Opens the device and describes it; the error says why it is not available.
    open: fn() -> Result<(Device, String), String>,
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "cpu",
        open: cpu,
    },
    Kind {
        name: "wgpu",
        open: wgpu,
    },
    Kind {
        name: "vulkan",
        open: vulkan,
    },
    Kind {
        name: "cuda",
        open: cuda,
    },
];

fn cpu() -> Result<(Device, String), String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    Ok((
        Device::flex(),
        format!("the processor, {threads} threads, fused LSTM"),
    ))
}

#[cfg(feature = "wgpu")]
fn wgpu() -> Result<(Device, String), String> {
    first(burn::tensor::DeviceType::Wgpu, "no GPU was found")
}

#[cfg(not(feature = "wgpu"))]
fn wgpu() -> Result<(Device, String), String> {
    Err("this program was built without the feature \"wgpu\"".into())
}

#[cfg(feature = "vulkan")]
fn vulkan() -> Result<(Device, String), String> {
    first(
        burn::tensor::DeviceType::Vulkan,
        "no Vulkan adapter was found",
    )
}

#[cfg(not(feature = "vulkan"))]
fn vulkan() -> Result<(Device, String), String> {
    Err("this program was built without the feature \"vulkan\"".into())
}

#[cfg(feature = "cuda")]
fn cuda() -> Result<(Device, String), String> {
    first(burn::tensor::DeviceType::Cuda, "no CUDA device was found")
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Result<(Device, String), String> {
    Err("this program was built without the feature \"cuda\"".into())
}

/// The first device of a type. burn panics if a driver fails, which becomes an error here.
#[cfg(any(feature = "wgpu", feature = "vulkan", feature = "cuda"))]
fn first(kind: burn::tensor::DeviceType, none: &str) -> Result<(Device, String), String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let found = std::panic::catch_unwind(|| {
        let device = Device::enumerate(kind).into_vec().into_iter().next()?;
        let name = device
            .identity()
            .map_or_else(|| "an unnamed device".to_owned(), |identity| identity.name);
        Some((device, name))
    });
    std::panic::set_hook(hook);
    match found {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(none.to_owned()),
        Err(_) => Err(format!("{none}, or its driver failed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_available_and_an_unknown_name_lists_the_known_ones() {
        assert!(choose(DEFAULT).is_ok());
        let error = choose("gpu").unwrap_err().to_string();
        assert!(
            error.contains("\"gpu\"") && error.contains("cpu, wgpu, vulkan, cuda"),
            "{error}"
        );
    }
}
