//! The offer to start a new version of the page. `web/start.js` notices new versions and starts them.

use leptos::prelude::*;
use web_sys::Event;

use super::t;

/// A notice with a button, as soon as there is a new version.
#[component]
pub fn Update() -> impl IntoView {
    let offered = RwSignal::new(false);
    let notice = t("new_version");
    let listener = window_event_listener_untyped("newversion", move |_| offered.set(true));
    on_cleanup(move || listener.remove());
    let reload = move |_| {
        // Both fail only for invalid names.
        if let Ok(event) = Event::new("usenewversion") {
            let _ = window().dispatch_event(&event);
        }
    };
    view! {
        <div class="update" class:offered=move || offered.get()>
            // It is there before its text, so that screen readers announce the text.
            <p role="status">{move || offered.get().then(notice)}</p>
            <Show when=move || offered.get()>
                <button type="button" on:click=reload>{t("reload")}</button>
            </Show>
        </div>
    }
}
