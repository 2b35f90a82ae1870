//! What the user sees. No model code is reached from here: it would end up in this program's download.

mod about;
mod evidence;
mod examples;
mod file;
mod input;
mod joint;
mod link;
mod models;
mod reliability;
mod result;
mod status;

use leptos::prelude::*;
use link::Link;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::DragEvent;

use crate::language::{Language, Texts};
use crate::session::{BILINGUAL_BUNDLE, BUNDLE};

/// Puts the page in place of the notice that stands in `index.html`.
pub fn start() {
    console_error_panic_hook::set_once();
    let Some(place) = document().get_element_by_id("app") else {
        leptos::logging::error!("index.html has no element with the id \"app\"");
        return;
    };
    place.set_inner_html("");
    mount_to(place.unchecked_into(), App).forget();
}

/// The language of the interface.
#[derive(Clone, Copy)]
struct Spoken(RwSignal<Language>);

/// The language of the interface; a view that calls it follows its changes.
fn language() -> Language {
    expect_context::<Spoken>().0.get()
}

/// A text in that language.
fn say<T>(
    pick: impl Fn(&'static Texts) -> T + Send + Sync + Copy + 'static,
) -> impl Fn() -> T + Send + Sync + Copy + 'static {
    let Spoken(spoken) = expect_context();
    move || pick(spoken.get().texts())
}

#[component]
fn App() -> impl IntoView {
    let wanted = Language::wanted(browser_languages());
    let link = Link::open(match wanted {
        Language::English => BUNDLE,
        Language::Chinese => BILINGUAL_BUNDLE,
    });
    let spoken = RwSignal::new(wanted);
    provide_context(Spoken(spoken));
    Effect::new(move |_| {
        let texts = spoken.get().texts();
        document().set_title(texts.title);
        if let Some(root) = document().document_element() {
            // It only fails for names that no attribute can have.
            let _ = root.set_attribute("lang", texts.tag);
        }
    });
    let (over, set_over) = signal(false);
    let drop = move |event: DragEvent| {
        event.prevent_default();
        set_over.set(false);
        let files = event.data_transfer().and_then(|transfer| transfer.files());
        if let Some(file) = files.and_then(|files| files.get(0)) {
            file::take(link, file);
        }
    };
    view! {
        <div
            class="drop"
            class:over=over
            on:dragover=move |event| {
                event.prevent_default();
                set_over.set(true);
            }
            on:dragleave=move |_| set_over.set(false)
            on:drop=drop
        >
            <header>
                <LanguageSwitch link=link />
                <h1>{say(|texts| texts.title)}</h1>
                <p class="lead">{say(|texts| texts.lead)}</p>
            </header>
            <main>
                <input::Input link=link />
                <Show
                    when=move || link.watch(|session| session.batch().is_some()).get()
                    fallback=move || view! { <result::Result link=link /> }
                >
                    <file::Results link=link />
                </Show>
                <status::Status link=link />
            </main>
            <footer>
                <p><strong>{say(|texts| texts.doubt[0])} " "</strong>{say(|texts| texts.doubt[1])}</p>
                <p><strong>{say(|texts| texts.private[0])} " "</strong>{say(|texts| texts.private[1])}</p>
                <models::Models link=link />
                <about::About link=link />
            </footer>
        </div>
    }
}

#[component]
fn LanguageSwitch(link: Link) -> impl IntoView {
    let Spoken(spoken) = expect_context();
    let choose = move |language: Language| {
        spoken.set(language);
        // The other way round nothing needs to be fetched: that model reads English as well.
        if language == Language::Chinese {
            link.act(|session| session.read_chinese());
        }
    };
    let button = move |language: Language| {
        let texts = language.texts();
        view! {
            <button
                type="button"
                lang=texts.tag
                aria-pressed=move || (spoken.get() == language).to_string()
                on:click=move |_| choose(language)
            >
                {texts.own_name}
            </button>
        }
    };
    view! {
        <div class="languages" role="group" aria-label=say(|texts| texts.language)>
            {Language::ALL.map(button).into_iter().collect_view()}
        </div>
    }
}

fn browser_languages() -> Vec<String> {
    let languages = window().navigator().languages();
    languages
        .iter()
        .filter_map(|tag: JsValue| tag.as_string())
        .collect()
}
