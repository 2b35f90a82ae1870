//! Model status and backend selector.

use leptos::prelude::*;

use super::link::Link;
use super::{focus_later, locale, t};
use crate::labels::{bytes, duration};
use crate::locale::Locale;
use crate::protocol::{Asset, Backend, BackendChoice};
use crate::session::Phase;

/// Each choice with its value in the form and the key of its name.
const CHOICES: [(BackendChoice, &str, &str); 3] = [
    (BackendChoice::Auto, "auto", "backend_auto"),
    (BackendChoice::Cpu, "cpu", "backend_cpu"),
    (BackendChoice::WebGpu, "webgpu", "backend_webgpu"),
];

/// The id of the line with the model's state.
const MESSAGE: &str = "model-state";

/// The model's state and backend, and the choice of a backend.
#[component]
pub fn Status(link: Link) -> impl IntoView {
    let phase = link.watch(|session| session.phase().clone());
    let refused = link.watch(|session| session.refused().cloned());
    let refused = move || {
        let error = locale().reason(&refused.get()?);
        let key = match phase.get() {
            Phase::Failed(_) => "refused_too",
            _ => "refused",
        };
        Some(locale().format(key, &[("error", &error)]))
    };
    let backend = link.watch(|session| session.model().map(|model| model.backend.clone()));
    let took = link.watch(|session| match session.answer() {
        Some(Ok(answer)) if !session.is_behind() => Some(answer.milliseconds),
        _ => None,
    });
    let line = move || in_words(&phase.get(), backend.get().as_ref(), locale());
    // A screen reader announces the end of loading, not every step.
    let announcement = move || match phase.get() {
        Phase::Ready | Phase::Failed(_) => {
            format!("{} {}", line(), refused().unwrap_or_default())
        }
        _ => String::new(),
    };
    let retry = move |_| {
        link.act(|session| session.retry());
        focus_later(MESSAGE);
    };
    let failed = move || matches!(phase.get(), Phase::Failed(_));
    view! {
        <section class="status" data-phase=move || match phase.get() { Phase::Ready => "ready", Phase::Failed(_) => "failed", _ => "loading" } aria-label=t("computing_region")>
            <div class="running" class:failed=failed>
                <p id=MESSAGE tabindex="-1">{line}</p>
                <p>{refused}</p>
                <Progress phase=phase />
                <Show when=failed>
                    <button type="button" on:click=retry>{t("try_again")}</button>
                </Show>
                <p>{move || took.get().map(|took| locale().format("took", &[("duration", &duration(took))]))}</p>
                <p class="hidden" role="status">{announcement}</p>
            </div>
            <Choices link=link />
        </section>
    }
}

/// How far the model is, or what it runs on.
fn in_words(phase: &Phase, backend: Option<&Backend>, locale: Locale) -> String {
    match phase {
        Phase::Starting => locale.t("starting").to_string(),
        Phase::Fetching {
            asset,
            received,
            total,
        } => {
            let asset = locale.t(match asset {
                Asset::Model => "asset_model",
                Asset::Dictionary => "asset_dictionary",
                Asset::Gpu => "asset_gpu",
            });
            let key = match (received, total) {
                (_, Some(_)) => "fetching_total",
                (0, None) => "fetching",
                (_, None) => "fetching_received",
            };
            let (received, total) = (bytes(*received), bytes(total.unwrap_or_default()));
            locale.format(
                key,
                &[
                    ("asset", &asset),
                    ("received", &received),
                    ("total", &total),
                ],
            )
        }
        Phase::Ready => match backend {
            None => String::new(),
            Some(Backend::Cpu { because: None }) => locale.t("on_cpu").to_string(),
            Some(Backend::Cpu {
                because: Some(reason),
            }) => locale.format("on_cpu_because", &[("reason", &locale.reason(reason))]),
            Some(Backend::WebGpu { adapter, software }) => {
                let key = match software {
                    true => "on_software_gpu",
                    false => "on_gpu",
                };
                locale.format(key, &[("adapter", &locale.or_unknown(adapter))])
            }
        },
        Phase::Failed(reason) => locale.format("failed", &[("error", &locale.reason(reason))]),
    }
}

/// The bar of a load. It has no value while the number of bytes is unknown.
#[component]
fn Progress(phase: Memo<Phase>) -> impl IntoView {
    move || {
        match phase.get() {
            Phase::Starting => Some(view! { <progress aria-label=t("loading")></progress> }.into_any()),
            Phase::Fetching { received, total: Some(total), .. } => {
                Some(view! { <progress aria-label=t("loading") max=total.to_string() value=received.to_string()></progress> }.into_any())
            }
            Phase::Fetching { .. } => Some(view! { <progress aria-label=t("loading")></progress> }.into_any()),
            _ => None,
        }
    }
}

/// The choice of a backend.
#[component]
fn Choices(link: Link) -> impl IntoView {
    let choice = link.watch(|session| session.choice());
    let option = move |(value, name, key): (BackendChoice, &'static str, &'static str)| {
        view! {
            <label>
                <input
                    type="radio"
                    name="backend"
                    value=name
                    prop:checked=move || choice.get() == value
                    on:change=move |_| link.act(|session| session.choose(value))
                />
                <span>{t(key)}</span>
            </label>
        }
    };
    view! {
        <fieldset>
            <legend class="hidden">{t("run_on")}</legend>
            {CHOICES.into_iter().map(option).collect_view()}
        </fieldset>
    }
}
