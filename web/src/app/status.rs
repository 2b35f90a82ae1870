//! How far the model is, what it runs on, and the switch for that.

use leptos::html::P;
use leptos::prelude::*;

use super::link::Link;
use crate::labels::{bytes, duration};
use crate::protocol::{Asset, Backend, BackendChoice};
use crate::session::Phase;

const CHOICES: [(BackendChoice, &str, &str); 3] = [
    (BackendChoice::Auto, "auto", "Automatic"),
    (BackendChoice::Cpu, "cpu", "CPU"),
    (BackendChoice::WebGpu, "webgpu", "WebGPU"),
];

/// The model's state and backend, and the choice among backends.
#[component]
pub fn Status(link: Link) -> impl IntoView {
    let phase = link.watch(|session| session.phase().clone());
    let choice = link.watch(|session| session.choice());
    let backend = link.watch(|session| session.model().map(|model| model.backend.clone()));
    let took = link.watch(|session| match session.answer() {
        Some(Ok(answer)) if !session.is_behind() => Some(answer.milliseconds),
        _ => None,
    });
    let line = move || match phase.get() {
        Phase::Starting => "Starting the model…".to_string(),
        Phase::Fetching {
            asset,
            received,
            total,
        } => {
            let what = match asset {
                Asset::Model => "model",
                Asset::Dictionary => "dictionary",
            };
            match total {
                Some(total) => format!(
                    "Loading the {what}: {} of {}",
                    bytes(received),
                    bytes(total)
                ),
                None => format!("Loading the {what}: {}", bytes(received)),
            }
        }
        Phase::Ready => backend
            .get()
            .map(|backend| describe(&backend))
            .unwrap_or_default(),
        Phase::Failed(message) => format!("The model does not run: {message}"),
    };
    // What a screen reader says by itself; not every byte.
    let spoken = move || match phase.get() {
        Phase::Ready | Phase::Failed(_) => line(),
        _ => String::new(),
    };
    let message = NodeRef::<P>::new();
    let retry = move |_| {
        link.act(|session| session.retry());
        // The button goes, and would take the focus with it.
        if let Some(message) = message.get() {
            let _ = message.focus();
        }
    };
    let progress = move || {
        match phase.get() {
        Phase::Starting => Some(view! { <progress aria-label="Loading"></progress> }.into_any()),
        Phase::Fetching { received, total: Some(total), .. } => {
            Some(view! { <progress aria-label="Loading" max=total.to_string() value=received.to_string()></progress> }.into_any())
        }
        Phase::Fetching { .. } => Some(view! { <progress aria-label="Loading"></progress> }.into_any()),
        _ => None,
    }
    };
    let failed = move || matches!(phase.get(), Phase::Failed(_));
    view! {
        <section class="status" aria-label="Computing">
            <div class="running" class:failed=failed>
                <p tabindex="-1" node_ref=message>{line}</p>
                {progress}
                <Show when=failed>
                    <button type="button" on:click=retry>"Try again"</button>
                </Show>
                <p>{move || took.get().map(|took| format!("Last estimate: {}", duration(took)))}</p>
                <p class="hidden" role="status">{spoken}</p>
            </div>
            <fieldset>
                <legend class="hidden">"Run on"</legend>
                {CHOICES
                    .into_iter()
                    .map(|(value, name, label)| {
                        view! {
                            <label>
                                <input
                                    type="radio"
                                    name="backend"
                                    value=name
                                    prop:checked=move || choice.get() == value
                                    on:change=move |_| link.act(|session| session.choose(value))
                                />
                                <span>{label}</span>
                            </label>
                        }
                    })
                    .collect_view()}
            </fieldset>
        </section>
    }
}

/// What runs, in a sentence.
fn describe(backend: &Backend) -> String {
    match backend {
        Backend::Cpu { because: None } => "Runs on the CPU.".into(),
        Backend::Cpu {
            because: Some(reason),
        } => format!("Runs on the CPU: {reason}."),
        Backend::WebGpu {
            adapter,
            software: false,
        } => format!("Runs on WebGPU: {adapter}."),
        Backend::WebGpu {
            adapter,
            software: true,
        } => format!("Runs on WebGPU: {adapter}, a software adapter."),
    }
}
