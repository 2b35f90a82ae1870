//! What the page remembers for this tab alone, in the tab's session storage.

use leptos::prelude::window;
use web_sys::Storage;

/// `None` where the browser denies it, as in a sandboxed frame. Then nothing is remembered.
fn storage() -> Option<Storage> {
    window().session_storage().ok().flatten()
}

/// Remembers a value under a name. False if there is no storage, or no room for the value.
pub fn remember(name: &str, value: &str) -> bool {
    storage().is_some_and(|storage| storage.set_item(name, value).is_ok())
}

/// The value that is remembered under a name.
pub fn recall(name: &str) -> Option<String> {
    storage()?.get_item(name).ok().flatten()
}

/// The same, and forgets it.
pub fn take(name: &str) -> Option<String> {
    let value = recall(name)?;
    // It fails only where there is no storage.
    let _ = storage()?.remove_item(name);
    Some(value)
}
