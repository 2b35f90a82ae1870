//! The choice among the models of the page.

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Response;

use super::link::Link;
use super::t;
use crate::session::Source;

/// The list of their file names, which scripts/finish_page.sh writes; relative to the page.
const LIST: &str = "widget/models/list.json";

/// The choice among the models; a model from the visitor's file is one more option.
#[component]
pub fn Models(link: Link) -> impl IntoView {
    let files = RwSignal::new(Vec::<String>::new());
    spawn_local(async move {
        // Without the list the page works, but offers no choice.
        if let Ok(list) = list().await {
            files.set(list);
        }
    });
    let source = link.watch(|session| match session.source() {
        Source::Address(address) => address.clone(),
        Source::File(_) => String::new(),
    });
    let change = move |event: web_sys::Event| {
        let address = event_target_value(&event);
        if !address.is_empty() {
            link.act(|session| session.use_model(Source::Address(address)));
        }
    };
    let option = move |file: String| {
        let address = format!("models/{file}");
        let name = file.trim_end_matches(".safetensors").to_owned();
        let value = address.clone();
        view! { <option value=value prop:selected=move || source.get() == address>{name}</option> }
    };
    view! {
        <Show when=move || { files.with(|files| files.len() > 1) }>
            <label class="models">
                {t("model")} " "
                <select on:change=change>
                    {move || files.get().into_iter().map(option).collect_view()}
                    <Show when=move || source.with(String::is_empty)>
                        <option value="" selected=true>{t("own_model")}</option>
                    </Show>
                </select>
            </label>
        </Show>
    }
}

async fn list() -> Result<Vec<String>, JsValue> {
    let response: Response = JsFuture::from(window().fetch_with_str(LIST))
        .await?
        .unchecked_into();
    let text = JsFuture::from(response.text()?).await?;
    let list = serde_json::from_str(&text.as_string().unwrap_or_default());
    list.map_err(|error| JsValue::from_str(&error.to_string()))
}
