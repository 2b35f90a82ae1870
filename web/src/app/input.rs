//! Where the text goes in.

use std::time::Duration;

use leptos::leptos_dom::helpers::debounce;
use leptos::prelude::*;

use super::examples::EXAMPLES;
use super::link::Link;
use crate::labels::posts;

/// How long the typing must pause before the text is read.
const PAUSE: Duration = Duration::from_millis(150);

/// The text area, examples for it, and a way to empty it.
#[component]
pub fn Input(link: Link) -> impl IntoView {
    let text = RwSignal::new(String::new());
    let read = move || link.act(|session| session.edit(text.with_untracked(|text| posts(text))));
    // The text is looked up when the pause is over: a click on an example may have replaced what was typed.
    let mut read_later = debounce(PAUSE, move |()| read());
    let put = move |new: &str| {
        text.set(new.into());
        read();
    };
    view! {
        <section class="panel input">
            <label for="posts">"Posts by one writer, one a line"</label>
            <textarea
                id="posts"
                rows="10"
                autocomplete="off"
                placeholder="Paste or type here; the more, the better."
                prop:value=text
                on:input=move |event| {
                    text.set(event_target_value(&event));
                    read_later(());
                }
            ></textarea>
            <div class="examples" role="group" aria-label="Examples">
                <span aria-hidden="true">"Try"</span>
                {EXAMPLES
                    .iter()
                    .map(|example| view! { <button type="button" on:click=move |_| put(example.text)>{example.name}</button> })
                    .collect_view()}
            </div>
            <button type="button" class="clear" disabled=move || text.with(String::is_empty) on:click=move |_| put("")>
                "Clear"
            </button>
        </section>
    }
}
