//! Where the text goes in.

use std::time::Duration;

use js_sys::{decode_uri_component, encode_uri_component};
use leptos::html::Textarea;
use leptos::leptos_dom::helpers::debounce;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::examples::examples;
use super::link::Link;
use super::{file, language, say};
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
        forget_link();
        put("");
        // The button is of no use now, and would take the focus with it.
        if let Some(area) = area.get() {
            let _ = area.focus();
        }
    };
    // Whether the link was copied; `None`: there is none of this text.
    let shared = RwSignal::new(None);
    Effect::new(move |_| {
        text.track();
        shared.set(None);
    });
    let share = move |_| {
        let given = text.get_untracked();
        let address = link_with(&given);
        spawn_local(async move {
            let clipboard = window().navigator().clipboard();
            // Browsers have one only for pages loaded over https.
            let copied = !clipboard.is_undefined()
                && JsFuture::from(clipboard.write_text(&address)).await.is_ok();
            if text.with_untracked(|text| *text == given) {
                shared.set(Some(copied));
            }
        });
    };
    // A link that was made so.
    if let Some(given) = text_of_address() {
        put(&given);
    }
    view! {
        <section class="panel input">
            <label for="posts">{say(|texts| texts.posts_label)}</label>
            <textarea
                id="posts"
                node_ref=area
                rows="10"
                autocomplete="off"
                placeholder=say(|texts| texts.placeholder)
                dir="auto"
                prop:value=text
                on:input=move |event| {
                    forget_link();
                    set(event_target_value(&event));
                    ask_later(());
                }
            ></textarea>
            <div class="examples" role="group" aria-label=say(|texts| texts.examples)>
                <span aria-hidden="true">{say(|texts| texts.try_example)}</span>
                {move || examples(language())
                    .map(|example| {
                        let tag = example.language.texts().tag;
                        let show = move |_| {
                            forget_link();
                            put(example.text);
                        };
                        view! { <button type="button" lang=tag on:click=show>{example.name}</button> }
                    })
                    .collect_view()}
            </div>
            <button type="button" class="clear" disabled=move || text.with(String::is_empty) on:click=clear>
                {say(|texts| texts.clear)}
            </button>
            <div class="actions">
                <button type="button" disabled=move || text.with(String::is_empty) on:click=share>
                    {say(|texts| texts.share)}
                </button>
                <p class="note" role="status">{move || shared.get().map(|copied| {
                    let texts = language().texts();
                    if copied { texts.shared } else { texts.shared_in_address }
                })}</p>
            </div>
            <file::Choose link=link />
        </section>
    }
}

/// What the fragment of an address begins with that holds a text.
const FRAGMENT: &str = "#text=";

/// Puts a text into the page's address, the part of it that no server sees, and gives the address.
fn link_with(text: &str) -> String {
    let location = window().location();
    let fragment = format!("{FRAGMENT}{}", String::from(encode_uri_component(text)));
    // A fragment can always be set and an address always be read where the page is not in a sandbox.
    let _ = location.set_hash(&fragment);
    location.href().unwrap_or_default()
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = history, js_name = replaceState)]
    fn replace_state(state: &JsValue, unused: &str, address: &str);
}

/// Takes a text out of the page's address: it is not what is on the page any more.
fn forget_link() {
    let location = window().location();
    if location.hash().is_ok_and(|hash| hash.starts_with(FRAGMENT)) {
        let path = location.pathname().unwrap_or_default();
        replace_state(&JsValue::NULL, "", &path);
    }
}

/// The text that the page's address holds.
fn text_of_address() -> Option<String> {
    let fragment = window().location().hash().ok()?;
    let text = decode_uri_component(fragment.strip_prefix(FRAGMENT)?).ok()?;
    Some(text.into()).filter(|text: &String| !text.is_empty())
}
