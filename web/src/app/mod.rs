//! What the user sees. No model code is reached from here: it would end up in this program's download.

mod about;
mod examples;
mod input;
mod link;
mod result;
mod status;

use leptos::prelude::*;
use link::Link;
use wasm_bindgen::JsCast;

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

#[component]
fn App() -> impl IntoView {
    let link = Link::open();
    view! {
        <header>
            <h1>"What your writing gives away"</h1>
            <p class="lead">
                "Paste what someone posted. A small neural network estimates the writer’s profession, age and "
                "gender from the words alone."
            </p>
        </header>
        <main>
            <input::Input link=link />
            <result::Result link=link />
            <status::Status link=link />
        </main>
        <footer>
            <p>
                <strong>"Don’t believe it too much. "</strong>
                "Guesses from writing style are often wrong, and they repeat the stereotypes of the texts they "
                "were learned from. They must not be used to decide anything about a person."
            </p>
            <p>
                <strong>"Your text stays on this device. "</strong>
                "Everything is computed in this browser tab; nothing you type is sent anywhere or stored."
            </p>
            <about::About link=link />
        </footer>
    }
}
