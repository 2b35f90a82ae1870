//! The page: what its user sees (`app`), what computes out of the user's way (`worker`), and the messages
//! between the two.
//!
//! They are WebAssembly programs of their own, so that the page is there before the model's code has arrived, and
//! so is what computes on WebGPU (`gpu`), which the worker fetches when it is first wanted. What needs no browser
//! is in modules of its own and is tested natively.

pub mod backend;
pub mod batch;
pub mod evidence;
pub mod labels;
pub mod locale;
pub mod protocol;
pub mod session;
pub mod summary;

#[cfg(all(feature = "app", target_arch = "wasm32"))]
pub mod app;
#[cfg(all(feature = "gpu", target_arch = "wasm32"))]
pub mod gpu;
#[cfg(all(feature = "worker", target_arch = "wasm32"))]
pub mod worker;
