//! `auxlstm devices`: the devices of this machine.

use std::process::ExitCode;

use serde_json::json;

use super::{Failure, print, print_text};
use crate::device;
use crate::table::Table;

/// List the devices that can compute, and the default
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let devices = device::all();
    if arguments.json {
        let entry = |device: &device::DeviceInfo| {
            json!({
                "name": device.name,
                "available": device.available,
                "default": device.name == device::DEFAULT,
                "description": device.description,
            })
        };
        print(&format!(
            "{:#}\n",
            devices.iter().map(entry).collect::<serde_json::Value>()
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(["device", "", "description"]).left();
    for device in devices {
        let state = match (device.available, device.name == device::DEFAULT) {
            (true, true) => "default",
            (true, false) => "available",
            (false, _) => "not available",
        };
        table.row([device.name, state, &device.description]);
    }
    print_text(&table.to_string())?;
    Ok(ExitCode::SUCCESS)
}
