//! The page: its interface (`app`), the worker that runs the models (`worker`), and the messages between the two.
//!
//! Interface and worker are separate WebAssembly programs, so that the interface is there before the model's code has
//! arrived. Three more are fetched when they are first needed: one computes on WebGPU (`gpu`), one segments Chinese (`chinese`),
//! one reads archives (`reader`). The other modules need no browser and are tested natively.

pub mod archive;
pub mod backend;
pub mod batch;
pub mod evidence;
pub mod exceptions;
pub mod labels;
pub mod locale;
pub mod protocol;
#[cfg(any(feature = "reader", test))]
pub mod reader;
pub mod session;
pub mod speed;
pub mod summary;
pub mod table;

#[cfg(all(feature = "app", target_arch = "wasm32"))]
pub mod app;
#[cfg(all(feature = "chinese", target_arch = "wasm32"))]
pub mod chinese;
#[cfg(all(feature = "gpu", target_arch = "wasm32"))]
pub mod gpu;
#[cfg(all(
    any(feature = "app", feature = "worker", feature = "reader"),
    target_arch = "wasm32"
))]
mod js;
#[cfg(all(feature = "worker", target_arch = "wasm32"))]
pub mod worker;
