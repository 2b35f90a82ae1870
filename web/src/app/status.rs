//! How far the model is, what it runs on, and the switch for that.

use leptos::html::P;
use leptos::prelude::*;

use super::link::Link;
use super::{language, say};
use crate::protocol::{Asset, Backend, BackendChoice};
use crate::session::Phase;

/// In the order of their names in the texts.
const CHOICES: [(BackendChoice, &str); 3] = [
    (BackendChoice::Auto, "auto"),
    (BackendChoice::Cpu, "cpu"),
    (BackendChoice::WebGpu, "webgpu"),
];

/// The model's state and backend, and the choice among backends.
#[component]
pub fn Status(link: Link) -> impl IntoView {
    let phase = link.watch(|session| session.phase().clone());
    let refused = link.watch(|session| session.refused().map(str::to_owned));
    let refused = move || refused.get().map(|why| (language().texts().refused)(&why));
    let choice = link.watch(|session| session.choice());
    let backend = link.watch(|session| session.model().map(|model| model.backend.clone()));
    let took = link.watch(|session| match session.answer() {
        Some(Ok(answer)) if !session.is_behind() => Some(answer.milliseconds),
        _ => None,
    });
    let line = move || {
        let texts = language().texts();
        match phase.get() {
            Phase::Starting => texts.starting.to_string(),
            Phase::Fetching {
                asset,
                received,
                total,
            } => {
                let what = match asset {
                    Asset::Model => texts.assets[0],
                    Asset::Dictionary => texts.assets[1],
                    Asset::Gpu => texts.assets[2],
                };
                (texts.fetching)(what, received, total)
            }
            Phase::Ready => match backend.get() {
                None => String::new(),
                Some(Backend::Cpu { because }) => (texts.on_cpu)(because.as_deref()),
                Some(Backend::WebGpu { adapter, software }) => (texts.on_gpu)(&adapter, software),
            },
            Phase::Failed(message) => (texts.failed)(&message),
        }
    };
    // What a screen reader says by itself; not every byte.
    let spoken = move || match phase.get() {
        Phase::Ready | Phase::Failed(_) => {
            format!("{} {}", line(), refused().unwrap_or_default())
        }
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
        Phase::Starting => Some(view! { <progress aria-label=say(|texts| texts.loading)></progress> }.into_any()),
        Phase::Fetching { received, total: Some(total), .. } => {
            Some(view! { <progress aria-label=say(|texts| texts.loading) max=total.to_string() value=received.to_string()></progress> }.into_any())
        }
        Phase::Fetching { .. } => Some(view! { <progress aria-label=say(|texts| texts.loading)></progress> }.into_any()),
        _ => None,
    }
    };
    let failed = move || matches!(phase.get(), Phase::Failed(_));
    view! {
        <section class="status" data-phase=move || match phase.get() { Phase::Ready => "ready", Phase::Failed(_) => "failed", _ => "loading" } aria-label=say(|texts| texts.computing_region)>
            <div class="running" class:failed=failed>
                <p tabindex="-1" node_ref=message>{line}</p>
                <p>{refused}</p>
                {progress}
                <Show when=failed>
                    <button type="button" on:click=retry>{say(|texts| texts.try_again)}</button>
                </Show>
                <p>{move || took.get().map(|took| (language().texts().took)(took))}</p>
                <p class="hidden" role="status">{spoken}</p>
            </div>
            <fieldset>
                <legend class="hidden">{say(|texts| texts.run_on)}</legend>
                {CHOICES
                    .into_iter()
                    .enumerate()
                    .map(|(number, (value, name))| {
                        view! {
                            <label>
                                <input
                                    type="radio"
                                    name="backend"
                                    value=name
                                    prop:checked=move || choice.get() == value
                                    on:change=move |_| link.act(|session| session.choose(value))
                                />
                                <span>{say(move |texts| texts.backends[number])}</span>
                            </label>
                        }
                    })
                    .collect_view()}
            </fieldset>
        </section>
    }
}
