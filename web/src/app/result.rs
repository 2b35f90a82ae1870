//! The estimate: a distribution for each attribute.

use leptos::prelude::*;
use model_core::attribute::Attribute;
use model_core::prediction::UserPrediction;

use super::evidence::Why;
use super::joint::Joint;
use super::link::Link;
use super::{focus_later, locale, t};
use crate::labels::percent;
use crate::session::{Phase, Session};
use crate::summary::{self, Distribution};

/// The newest prediction, or the reason why there is none.
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
    let base_rates = link.watch(|session| session.base_rates().clone());
    let answer = link.watch(|session| {
        let answer = session.answer().map(|answer| answer.as_ref());
        answer.map(|answer| {
            answer
                .map(|answer| answer.prediction.clone())
                .map_err(Clone::clone)
        })
    });
    // There are no bars for a text without known words.
    let prediction = Memo::new(move |_| {
        answer
            .get()?
            .ok()
            .filter(|prediction| prediction.known_words > 0)
    });
    let note = move || match answer.get() {
        None => {
            let key = match phase.get() {
                Phase::Failed(_) => "no_model",
                Phase::Ready if busy.get() => "in_a_moment",
                _ if busy.get() => "when_ready",
                _ => "as_you_type",
            };
            locale().t(key).to_string()
        }
        Some(Err(reason)) => {
            let error = locale().reason(&reason);
            locale().format("unreadable", &[("error", &error)])
        }
        Some(Ok(prediction)) => {
            let max_words = link.look(Session::max_words);
            summary::words_used(&prediction, max_words, locale())
        }
    };
    let announcement = move || {
        let sentences = prediction.with(|prediction| {
            prediction
                .as_ref()
                .map(|prediction| summary::announcement(prediction, locale()))
        });
        let offer = match lacks_chinese.get() {
            true => locale().t("chinese_text"),
            false => "",
        };
        answer
            .with(Option::is_some)
            .then(|| format!("{} {} {offer}", sentences.unwrap_or_default(), note()))
    };
    let read_chinese = move |_| {
        link.act(|session| session.read_chinese());
        focus_later("estimate");
    };
    view! {
        <section class="panel result" aria-labelledby="estimate" aria-busy=move || busy.get().to_string()>
            <h2 id="estimate" tabindex="-1">{t("estimate")}</h2>
            <p class="note">{note}</p>
            <Show when=move || lacks_chinese.get()>
                <p class="note">
                    {t("chinese_text")} " "
                    <button type="button" on:click=read_chinese>{t("read_chinese")}</button>
                </p>
            </Show>
            <Show when=move || prediction.with(Option::is_some)>
                <For each=move || attributes.get() key=|attribute| attribute.name.clone() let:attribute>
                    <AttributeBars attribute=attribute prediction=prediction />
                </For>
                <p class="note assumed">{move || base_rates.with(|rates| summary::base_rates(rates, locale()))}</p>
                <Why link=link prediction=prediction />
                <Joint link=link prediction=prediction />
            </Show>
            <p class="hidden" role="status">{announcement}</p>
        </section>
    }
}

/// One attribute: its classes, or its coarse classes with the classes behind a disclosure.
#[component]
pub fn AttributeBars(
    attribute: Attribute,
    prediction: Memo<Option<UserPrediction>>,
    /// Whether the heading above is of the third level already.
    #[prop(optional)]
    is_deeper: bool,
) -> impl IntoView {
    let Attribute {
        name,
        classes,
        coarse_classes,
    } = attribute;
    let heading = {
        let name = name.clone();
        Signal::derive(move || locale().name(&name))
    };
    let this = Memo::new({
        let name = name.clone();
        move |_| prediction.with(|prediction| prediction.as_ref()?.predictions.get(&name).cloned())
    });
    let coarse = Memo::new(move |_| this.with(|this| this.as_ref().map(summary::coarse)));
    let fine = Memo::new(move |_| this.with(|this| this.as_ref().map(summary::classes)));
    // The heading names a class only if it is confident; the bars show all.
    let best = move || {
        coarse.with(|coarse| {
            let coarse = coarse.as_ref()?;
            let label = coarse.label.as_deref()?;
            Some(match coarse.confident {
                true => locale().name(label),
                false => locale().t("not_sure").to_string(),
            })
        })
    };
    let validation = {
        let name = name.clone();
        move || {
            prediction.with(|prediction| {
                let validation = summary::validation(prediction.as_ref()?, &name, locale());
                validation.map(|validation| view! { <p class="validation">{validation}</p> })
            })
        }
    };
    let abstained =
        move || coarse.with(|coarse| coarse.as_ref().is_some_and(|coarse| !coarse.confident));
    let count = classes.len();
    let bars = if coarse_classes.is_empty() {
        view! { <Bars label=heading classes=classes values=fine /> }.into_any()
    } else {
        let coarse_classes = coarse_classes
            .into_iter()
            .map(|coarse_class| coarse_class.label)
            .collect();
        view! {
            <Bars label=heading classes=coarse_classes values=coarse />
            <details>
                <summary>{move || locale().format("all_classes", &[("number", &count)])}</summary>
                <Bars
                    label=Signal::derive(move || locale().format("all_classes_of", &[("attribute", &heading.get())]))
                    classes=classes
                    values=fine
                />
            </details>
        }
        .into_any()
    };
    let title = view! { {heading} " " <span class="best" class:abstained=abstained>{best}</span> };
    let title = match is_deeper {
        true => view! { <h4>{title}</h4> }.into_any(),
        false => view! { <h3>{title}</h3> }.into_any(),
    };
    view! {
        <div class="attribute" data-attribute=name>
            {title}
            {validation}
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
            move || locale().name(&class)
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
    view! { <ul class="bars" role="list" aria-label=label>{classes.into_iter().map(row).collect_view()}</ul> }
}
