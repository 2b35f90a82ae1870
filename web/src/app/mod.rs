//! The views. They use no code of the model, which would make this program's download larger.

mod about;
mod archive;
mod best;
mod consent;
mod evidence;
mod examples;
mod file;
mod input;
mod joint;
mod link;
mod models;
mod population;
mod rates;
mod reader;
mod reliability;
mod result;
mod settling;
mod status;
mod tab;
mod update;
mod writers;

use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use link::Link;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DataTransferItemList, DragEvent, HtmlElement};

use crate::locale::Locale;
use crate::session::{BILINGUAL_BUNDLE, BUNDLE};

/// The pause in typing after which a text or valid shares take effect.
const PAUSE: Duration = Duration::from_millis(150);

/// Replaces the notice in `index.html` by the page.
pub fn start() {
    console_error_panic_hook::set_once();
    let Some(place) = document().get_element_by_id("app") else {
        leptos::logging::error!("index.html has no element with the id \"app\"");
        return;
    };
    place.set_inner_html("");
    mount_to(place.unchecked_into(), App).forget();
}

/// The interface's locale as a context of the views.
#[derive(Clone, Copy)]
struct CurrentLocale(RwSignal<Locale>);

/// The interface's locale. A closure of a view that calls it follows its changes; the body of a component does not, so it
/// is given the locale.
fn locale() -> Locale {
    expect_context::<CurrentLocale>().0.get()
}

/// A message without arguments, which follows the interface's locale.
fn t(key: &'static str) -> impl Fn() -> &'static str + Send + Sync + Copy + 'static {
    let CurrentLocale(current) = expect_context();
    move || current.get().t(key)
}

#[component]
fn App() -> impl IntoView {
    let negotiated = Locale::negotiate(browser_languages());
    let link = Link::open(match negotiated {
        Locale::English => BUNDLE,
        Locale::Chinese => BILINGUAL_BUNDLE,
    });
    let current = RwSignal::new(negotiated);
    provide_context(CurrentLocale(current));
    Effect::new(move |_| {
        let locale = current.get();
        document().set_title(locale.t("title"));
        if let Some(root) = document().document_element() {
            // It fails only for an invalid name.
            let _ = root.set_attribute("lang", locale.tag());
        }
    });
    let is_not_kept = RwSignal::new(false);
    // From start.js.
    let listener = window_event_listener_untyped("notkept", move |_| is_not_kept.set(true));
    on_cleanup(move || listener.remove());
    let (over, set_over) = signal(false);
    let notice: file::Notice = RwSignal::new(None);
    let reader = reader::Reader::new(link, notice);
    let drag = move |event: DragEvent| {
        if holds_files(&event) {
            event.prevent_default();
            set_over.set(true);
        }
    };
    let drop = move |event: DragEvent| {
        set_over.set(false);
        // The browser puts text that is dragged into the text area.
        if !holds_files(&event) {
            return;
        }
        event.prevent_default();
        let Some(transfer) = event.data_transfer() else {
            return;
        };
        if holds_folder(&transfer.items()) {
            reader.refuse("no_folders");
        } else if let Some(files) = transfer.files() {
            reader.take(&files);
        }
    };
    // On the window, because beside the page the browser would open the files itself.
    let listeners = [
        window_event_listener(ev::dragover, drag),
        window_event_listener(ev::dragleave, move |_| set_over.set(false)),
        window_event_listener(ev::drop, drop),
    ];
    on_cleanup(move || listeners.into_iter().for_each(|listener| listener.remove()));
    view! {
        <div class="drop" class:over=over>
            <update::Update />
            <header>
                <LocaleSwitch link=link />
                <h1>{t("title")}</h1>
                <p class="lead">{t("lead")}</p>
            </header>
            <main>
                <Later><input::Input link=link reader=reader notice=notice /></Later>
                <Later>
                    <Show
                        when=move || link.watch(|session| session.batch().is_some()).get()
                        fallback=move || view! {
                            <Show
                                when=move || link.watch(|session| session.archive().is_some()).get()
                                fallback=move || view! { <result::Result link=link /> }
                            >
                                <archive::Writers link=link />
                            </Show>
                        }
                    >
                        <file::Results link=link notice=notice />
                    </Show>
                </Later>
                <Later><status::Status link=link /></Later>
            </main>
            <Later>
                <footer>
                    <p><strong>{t("doubt")} " "</strong>{t("caveat")}</p>
                    <p>{t("consent")} " " <consent::Ethics /></p>
                    <p>
                        <strong>{t("private")} " "</strong>{t("private_detail")} " "
                        <span role="status">{move || is_not_kept.get().then(|| locale().t("not_kept"))}</span>
                    </p>
                    <about::Terms link=link />
                    <models::Models link=link />
                    <about::About link=link />
                </footer>
            </Later>
        </div>
    }
}

/// Mounts its children in a later task, so that the browser can paint and answer the visitor before.
#[component]
fn Later(children: ChildrenFn) -> impl IntoView {
    let is_due = RwSignal::new(false);
    set_timeout(move || is_due.set(true), Duration::ZERO);
    view! { <Show when=move || is_due.get()>{children()}</Show> }
}

#[component]
fn LocaleSwitch(link: Link) -> impl IntoView {
    let CurrentLocale(current) = expect_context();
    let choose = move |locale: Locale| {
        current.set(locale);
        // The bilingual model reads English too, so switching back to English loads nothing.
        if locale == Locale::Chinese {
            link.act(|session| session.read_chinese());
        }
    };
    let button = move |locale: Locale| {
        view! {
            <button
                type="button"
                lang=locale.tag()
                aria-pressed=move || (current.get() == locale).to_string()
                on:click=move |_| choose(locale)
            >
                {locale.t("own_name")}
            </button>
        }
    };
    view! {
        <div class="languages" role="group" aria-label=t("language")>
            {Locale::ALL.map(button).into_iter().collect_view()}
        </div>
    }
}

/// Moves the focus to the element of this id in a later task. What was pressed has disappeared or is disabled by then, and would
/// lose the focus.
fn focus_later(id: &'static str) {
    let focus = move || {
        let element = document().get_element_by_id(id);
        if let Some(Ok(element)) = element.map(JsCast::dyn_into::<HtmlElement>) {
            // It fails only for an element that cannot take the focus.
            let _ = element.focus();
        }
    };
    set_timeout(focus, Duration::ZERO);
}

/// A text that screen readers announce. Its region is there before it, because otherwise it would not be announced.
#[component]
fn Announced(text: impl Fn() -> String + Send + Sync + 'static) -> impl IntoView {
    let is_there = RwSignal::new(false);
    set_timeout(move || is_there.set(true), PAUSE);
    view! { <p class="hidden" role="status">{move || is_there.get().then(&text)}</p> }
}

/// The button that ends some work, with this id. It disappears with the work, and then passes the focus on.
#[component]
fn Cancel(id: &'static str, next: &'static str, cancel: impl Fn() + 'static) -> impl IntoView {
    // The button is still there.
    on_cleanup(move || {
        if document()
            .active_element()
            .is_some_and(|focused| focused.id() == id)
        {
            focus_later(next);
        }
    });
    let pressed = move |_| {
        cancel();
        // Safari gives a button that is clicked no focus.
        focus_later(next);
    };
    view! { <button id=id type="button" on:click=pressed>{t("cancel")}</button> }
}

/// Whether files are dragged, and not text.
fn holds_files(event: &DragEvent) -> bool {
    let Some(transfer) = event.data_transfer() else {
        return false;
    };
    let kinds = transfer.types();
    kinds
        .iter()
        .any(|kind: JsValue| kind.as_string().as_deref() == Some("Files"))
}

/// Whether a folder is among what is dropped. It looks like a file otherwise, which cannot be read.
fn holds_folder(items: &DataTransferItemList) -> bool {
    let mut items = (0..items.length()).filter_map(|place| items.get(place));
    // A browser without this function says no.
    items.any(|item| matches!(item.webkit_get_as_entry(), Ok(Some(entry)) if entry.is_directory()))
}

fn browser_languages() -> Vec<String> {
    let languages = window().navigator().languages();
    languages
        .iter()
        .filter_map(|tag: JsValue| tag.as_string())
        .collect()
}
