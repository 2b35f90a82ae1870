//! The text area, and what fills it: examples, links and files.

use js_sys::encode_uri_component;
use leptos::leptos_dom::helpers::debounce;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::HtmlInputElement;

use super::examples::examples;
use super::link::Link;
use super::rates::Rates;
use super::reader::Reader;
use super::{PAUSE, file, focus_later, locale, t, tab};
use crate::labels::{posts, unescaped};

/// The name under which the tab remembers the text while the page is loaded again.
const TEXT: &str = "text";

/// The text area with its buttons.
#[component]
pub fn Input(link: Link, reader: Reader, notice: file::Notice) -> impl IntoView {
    let text = RwSignal::new(String::new());
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
        focus_later("posts");
    };
    // The page was loaded again for a new version, or opened by a link with a text.
    if let Some(given) = tab::take(TEXT).or_else(text_of_address) {
        put(&given);
    }
    // web/start.js loads the page again soon after the visitor has asked for the new version (update.rs).
    let is_reloaded = StoredValue::new(false);
    // Browsers remember about 5 million letters for a tab.
    let remembers =
        move || text.with_untracked(|text| text.is_empty() || tab::remember(TEXT, text));
    let asked = window_event_listener_untyped("usenewversion", move |event| {
        if remembers() {
            is_reloaded.set_value(true);
        } else {
            event.prevent_default();
        }
    });
    let left = window_event_listener_untyped("pagehide", move |_| {
        if is_reloaded.get_value() {
            remembers();
        }
    });
    // Such a link was opened in the tab of the page, which is not loaded again then.
    let opened = window_event_listener_untyped("hashchange", move |_| {
        if let Some(given) = text_of_address()
            && text.with_untracked(|text| *text != given)
        {
            put(&given);
        }
    });
    on_cleanup(move || {
        for listener in [asked, left, opened] {
            listener.remove();
        }
    });
    view! {
        <section class="panel input">
            <label for="posts">{t("posts_label")}</label>
            <textarea
                id="posts"
                rows="10"
                autocomplete="off"
                placeholder=t("placeholder")
                dir="auto"
                prop:value=text
                on:input=move |event| {
                    forget_link();
                    set(event_target_value(&event));
                    ask_later(());
                }
            ></textarea>
            <div class="examples" role="group" aria-label=t("examples")>
                <span aria-hidden="true">{t("try_example")}</span>
                {move || examples(locale())
                    .map(|example| {
                        let tag = example.locale.tag();
                        let show = move |_| {
                            forget_link();
                            put(example.text);
                        };
                        view! { <button type="button" lang=tag on:click=show>{example.name}</button> }
                    })
                    .collect_view()}
            </div>
            <button type="button" class="clear" disabled=move || text.with(String::is_empty) on:click=clear>
                {t("clear")}
            </button>
            <Share text=text />
            <file::Choose reader=reader notice=notice />
            <Rates link=link />
        </section>
    }
}

/// The button that copies a link with the text, and whether it was copied. The page's own address stays without the text,
/// because the browser's history would keep it.
#[component]
fn Share(text: RwSignal<String>) -> impl IntoView {
    // The message of the last attempt; `None` if there was none for this text.
    let shared = RwSignal::new(None);
    // The link, where the browser does not copy it.
    let by_hand = RwSignal::new(None::<String>);
    Effect::new(move |_| {
        text.track();
        shared.set(None);
        by_hand.set(None);
    });
    let share = move |_| {
        let given = text.get_untracked();
        let Some(address) = link_with(&given) else {
            shared.set(Some("too_long_to_share"));
            return;
        };
        spawn_local(async move {
            let clipboard = window().navigator().clipboard();
            // Browsers have a clipboard only for pages that came over https.
            let copied = !clipboard.is_undefined()
                && JsFuture::from(clipboard.write_text(&address)).await.is_ok();
            if text.with_untracked(|text| *text == given) {
                shared.set(Some(if copied { "shared" } else { "share_by_hand" }));
                by_hand.set((!copied).then_some(address));
            }
        });
    };
    view! {
        <div class="actions">
            <button type="button" disabled=move || text.with(String::is_empty) on:click=share>
                {t("share")}
            </button>
            <p class="note" role="status">{move || shared.get().map(|message| locale().t(message))}</p>
        </div>
        {move || by_hand.get().map(|link| {
            let select = |event: web_sys::FocusEvent| event_target::<HtmlInputElement>(&event).select();
            view! { <input class="link" readonly=true aria-label=t("link") prop:value=link on:focus=select /> }
        })}
    }
}

/// The beginning of a fragment that holds a text.
const FRAGMENT: &str = "#text=";

/// The length of the longest address that is given to anyone, in bytes. Firefox keeps none that is longer, and Chromium opens
/// none that has more than twice this length.
const LONGEST_LINK: usize = 1 << 20;

/// The page's address with a text in its fragment, which no server sees. `None` if it would be too long.
fn link_with(text: &str) -> Option<String> {
    let mut link = window().location().href().ok()?;
    link.truncate(link.find('#').unwrap_or(link.len()));
    link += FRAGMENT;
    link += &String::from(encode_uri_component(text));
    (link.len() <= LONGEST_LINK).then_some(link)
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = history, js_name = replaceState)]
    fn replace_state(state: &JsValue, unused: &str, address: &str) -> Result<(), JsValue>;
}

/// Removes the text from the page's address: the page no longer shows it.
fn forget_link() {
    let location = window().location();
    if location.hash().is_ok_and(|hash| hash.starts_with(FRAGMENT)) {
        let path = location.pathname().unwrap_or_default();
        let address = path + &location.search().unwrap_or_default();
        // It can fail only in a sandboxed frame.
        let _ = replace_state(&JsValue::NULL, "", &address);
    }
}

/// The text in the page's address.
fn text_of_address() -> Option<String> {
    let fragment = window().location().hash().ok()?;
    Some(unescaped(fragment.strip_prefix(FRAGMENT)?)).filter(|text| !text.is_empty())
}
