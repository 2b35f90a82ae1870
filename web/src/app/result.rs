//! What the model says about the text: a distribution for each attribute.

use leptos::prelude::*;
use model_core::attribute::Attribute;
use model_core::prediction::UserPrediction;

use super::evidence::Why;
use super::joint::Joint;
use super::link::Link;
use super::{language, say};
use crate::labels::percent;
use crate::session::Phase;
use crate::summary::{self, Distribution};

/// The newest prediction, or what stands in its way.
#[component]
pub fn Result(link: Link) -> impl IntoView {
    let attributes = link.watch(|session| {
        let model = session.model();
        model
            .map(|model| model.attributes.clone())
            .unwrap_or_default()
    });
    let busy = link.watch(|session| session.is_busy());
    let lacks_chinese = link.watch(|session| session.lacks_chinese());
    let phase = link.watch(|session| session.phase().clone());
    let answer = link.watch(|session| {
        let answer = session.answer().map(|answer| answer.as_ref());
        answer.map(|answer| {
            answer
                .map(|answer| answer.prediction.clone())
                .map_err(Clone::clone)
        })
    });
    // Bars only for a text that the model has read something of.
    let prediction = Memo::new(move |_| {
        answer
            .get()?
            .ok()
            .filter(|prediction| prediction.known_words > 0)
    });
    let note = move || match answer.get() {
        None => {
            let texts = language().texts();
            match phase.get() {
                Phase::Failed(_) => texts.no_model,
                Phase::Ready if busy.get() => texts.in_a_moment,
                _ if busy.get() => texts.when_ready,
                _ => texts.no_text,
            }
            .to_string()
        }
        Some(Err(message)) => (language().texts().unreadable)(&message),
        Some(Ok(prediction)) => summary::words_used(&prediction, language().texts()),
    };
    let spoken = move || {
        let said = prediction.with(|prediction| {
            prediction
                .as_ref()
                .map(|prediction| summary::spoken(prediction, language()))
        });
        let offer = match lacks_chinese.get() {
            true => language().texts().chinese_text,
            false => "",
        };
        answer
            .with(Option::is_some)
            .then(|| format!("{} {} {offer}", said.unwrap_or_default(), note()))
    };
    view! {
        <section class="panel result" aria-labelledby="estimate" aria-busy=move || busy.get().to_string()>
            <h2 id="estimate">{say(|texts| texts.estimate)}</h2>
            <p class="note">{note}</p>
            <Show when=move || lacks_chinese.get()>
                <p class="note">
                    {say(|texts| texts.chinese_text)} " "
                    <button type="button" on:click=move |_| link.act(|session| session.read_chinese())>
                        {say(|texts| texts.read_chinese)}
                    </button>
                </p>
            </Show>
            <Show when=move || prediction.with(Option::is_some)>
                <For each=move || attributes.get() key=|attribute| attribute.name.clone() let:attribute>
                    <AttributeBars attribute=attribute prediction=prediction />
                </For>
                <Why link=link prediction=prediction />
                <Joint link=link prediction=prediction />
            </Show>
            <p class="hidden" role="status">{spoken}</p>
        </section>
    }
}

/// One attribute: its groups, if it has any, and behind a disclosure its classes; else its classes.
#[component]
fn AttributeBars(attribute: Attribute, prediction: Memo<Option<UserPrediction>>) -> impl IntoView {
    let Attribute {
        name,
        classes,
        coarse_classes,
    } = attribute;
    let heading = {
        let name = name.clone();
        Signal::derive(move || language().name(&name))
    };
    let this = Memo::new({
        let name = name.clone();
        move |_| prediction.with(|prediction| prediction.as_ref()?.predictions.get(&name).cloned())
    });
    let coarse = Memo::new(move |_| this.with(|this| this.as_ref().map(summary::coarse)));
    let fine = Memo::new(move |_| this.with(|this| this.as_ref().map(summary::classes)));
    // What is not probable enough is not called the answer; the bars show it all the same.
    let best = move || {
        coarse.with(|coarse| {
            let coarse = coarse.as_ref()?;
            let label = coarse.label.as_deref()?;
            Some(match coarse.confident {
                true => language().name(label),
                false => language().texts().not_confident.to_string(),
            })
        })
    };
    let basis = {
        let name = name.clone();
        move || {
            prediction.with(|prediction| {
                let basis = summary::basis(prediction.as_ref()?, &name, language().texts());
                basis.map(|basis| view! { <p class="basis">{basis}</p> })
            })
        }
    };
    let unsure =
        move || coarse.with(|coarse| coarse.as_ref().is_some_and(|coarse| !coarse.confident));
    let count = classes.len();
    let bars = if coarse_classes.is_empty() {
        view! { <Bars label=heading classes=classes values=fine /> }.into_any()
    } else {
        let coarse_classes = coarse_classes
            .into_iter()
            .map(|group| group.label)
            .collect();
        view! {
            <Bars label=heading classes=coarse_classes values=coarse />
            <details>
                <summary>{move || (language().texts().all_classes)(count)}</summary>
                <Bars
                    label=Signal::derive(move || (language().texts().all_classes_of)(&heading.get()))
                    classes=classes
                    values=fine
                />
            </details>
        }
        .into_any()
    };
    view! {
        <div class="attribute" data-attribute=name>
            <h3>{heading} " " <span class="best" class:unsure=unsure>{best}</span></h3>
            {basis}
            {bars}
        </div>
    }
}

/// A list of classes, each with its probability as text and as a bar.
#[component]
fn Bars(
    label: Signal<String>,
    classes: Vec<String>,
    values: Memo<Option<Distribution>>,
) -> impl IntoView {
    let row = move |class: String| {
        let name = {
            let class = class.clone();
            move || language().name(&class)
        };
        let value = Memo::new({
            let class = class.clone();
            move |_| values.with(|values| values.as_ref()?.probabilities.get(&class).copied())
        });
        let top = Memo::new({
            let class = class.clone();
            move |_| {
                values.with(|values| {
                    values
                        .as_ref()
                        .is_some_and(|values| values.label.as_ref() == Some(&class))
                })
            }
        });
        view! {
            <li class:top=top data-class=class data-probability=move || value.get().map(|value| value.to_string())>
                <span class="name">{name}</span>
                " "
                <span class="bar" aria-hidden="true">
                    <span style:width=move || format!("{:.2}%", value.get().unwrap_or(0.0) * 100.0)></span>
                </span>
                <span class="percent">{move || value.get().map(percent)}</span>
            </li>
        }
    };
    view! { <ul class="bars" aria-label=label>{classes.into_iter().map(row).collect_view()}</ul> }
}
