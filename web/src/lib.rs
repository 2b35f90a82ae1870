//! The page: what its user sees (`app`), what computes out of the user's way (`worker`), and the messages
//! between the two.
//!
//! They are two WebAssembly programs, so that the page is there before the model's code has arrived. What
//! needs no browser is in modules of its own and is tested natively.

pub mod backend;
pub mod labels;
pub mod protocol;
pub mod session;
pub mod summary;

#[cfg(all(feature = "app", target_arch = "wasm32"))]
pub mod app;
#[cfg(all(feature = "worker", target_arch = "wasm32"))]
pub mod worker;
