//! Where the text goes in.

use std::time::Duration;

use leptos::html::Textarea;
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
    let area = NodeRef::<Textarea>::new();
    let set = move |new: String| {
        link.act(|session| {
            session.edit(posts(&new));
            Vec::new()
        });
        text.set(new);
    };
    let ask = move || link.act(|session| session.ask());
    let mut ask_later = debounce(PAUSE, move |()| ask());
    let put = move |new: &str| {
        set(new.into());
        ask();
    };
    let clear = move |_| {
        put("");
        // The button is of no use now, and would take the focus with it.
        if let Some(area) = area.get() {
            let _ = area.focus();
        }
    };
    view! {
        <section class="panel input">
            <label for="posts">"Posts by one writer, one a line"</label>
            <textarea
                id="posts"
                node_ref=area
                rows="10"
                autocomplete="off"
                placeholder="Paste or type here; the more, the better."
                prop:value=text
                on:input=move |event| {
                    set(event_target_value(&event));
                    ask_later(());
                }
            ></textarea>
            <div class="examples" role="group" aria-label="Examples">
                <span aria-hidden="true">"Try"</span>
                {EXAMPLES
                    .iter()
                    .map(|example| view! { <button type="button" on:click=move |_| put(example.text)>{example.name}</button> })
                    .collect_view()}
            </div>
            <button type="button" class="clear" disabled=move || text.with(String::is_empty) on:click=clear>
                "Clear"
            </button>
        </section>
    }
}
