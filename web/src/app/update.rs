//! The offer to start a new version of the page. `web/start.js` notices new versions and starts them.

use leptos::prelude::*;
use web_sys::Event;

use super::t;

/// A notice with a button, as soon as there is a new version.
#[component]
pub fn Update() -> impl IntoView {
    let offered = RwSignal::new(false);
    let would_lose_text = RwSignal::new(false);
    let [new_version, long_text] = [t("new_version"), t("new_version_long_text")];
    let notice = move || match would_lose_text.get() {
        true => Some(long_text()),
        false => offered.get().then(new_version),
    };
    let listener = window_event_listener_untyped("newversion", move |_| offered.set(true));
    on_cleanup(move || listener.remove());
    let reload = move |_| {
        // Both fail only for invalid names.
        if let Ok(event) = Event::new("usenewversion") {
            event.init_event_with_bubbles_and_cancelable("usenewversion", false, true);
            // The text area cancels it if the tab cannot remember the text (input.rs).
            would_lose_text.set(matches!(window().dispatch_event(&event), Ok(false)));
        }
    };
    view! {
        <div class="update" class:offered=move || offered.get()>
            // It is there before its text, so that screen readers announce the text.
            <p role="status">{notice}</p>
            <Show when=move || offered.get()>
                <button type="button" on:click=reload>{t("reload")}</button>
            </Show>
        </div>
    }
}
