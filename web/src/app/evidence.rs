//! "Why?": the text with each word coloured by its evidence for a class, and lists of the strongest words.

use leptos::prelude::*;
use leptos::task::spawn_local;
use model_core::attribute::Attribute;
use model_core::prediction::UserPrediction;

use super::link::Link;
use super::{locale, t};
use crate::evidence::{Target, factor, pieces, strongest, targets, weights};
use crate::locale::Locale;
use crate::session::Evidence;
use crate::summary::coarse;

/// The most words in a list.
const LISTED: usize = 6;

/// The evidence of the newest text, behind a disclosure. It is computed only while the disclosure is open.
#[component]
pub fn Why(link: Link, prediction: Memo<Option<UserPrediction>>) -> impl IntoView {
    let attributes = link.watch(|session| {
        let attributes = session.model().map(|model| model.attributes.clone());
        attributes.unwrap_or_default()
    });
    let evidence = link.watch(|session| {
        let evidence = session.evidence().cloned();
        evidence.or_else(|| Some(Err(session.failure()?.clone())))
    });
    let chosen = RwSignal::new(None::<Target>);
    // Until the visitor chooses, the most probable class of the first attribute.
    let target = Memo::new(move |_| {
        let attributes = attributes.get();
        let all: Vec<Target> = attributes.iter().flat_map(targets).collect();
        let wanted = chosen.get().filter(|chosen| all.contains(chosen));
        wanted.or_else(|| prediction.with(|prediction| best(&attributes, prediction.as_ref()?)))
    });
    // A disclosure that is gone needs no more evidence.
    on_cleanup(move || spawn_local(async move { link.act(|session| session.explain(false)) }));
    let toggled = move |event: web_sys::Event| {
        let details: web_sys::HtmlDetailsElement = event_target(&event);
        link.act(|session| session.explain(details.open()));
    };
    let select = move |event: web_sys::Event| {
        let index: Option<usize> = event_target_value(&event).parse().ok();
        let all =
            attributes.with(|attributes| attributes.iter().flat_map(targets).collect::<Vec<_>>());
        chosen.set(index.and_then(|index| all.get(index).cloned()));
    };
    let options = move || {
        let mut number = 0;
        let group = |attribute: &Attribute| {
            let options = targets(attribute).into_iter().map(|choice| {
                let value = number.to_string();
                number += 1;
                let name = locale().name(&choice.class);
                view! { <option value=value selected=move || target.get().as_ref() == Some(&choice)>{name}</option> }
            });
            let options = options.collect_view();
            view! { <optgroup label=locale().name(&attribute.name)>{options}</optgroup> }
        };
        attributes.with(|attributes| attributes.iter().map(group).collect_view())
    };
    let shown = move || match evidence.get() {
        None => view! { <p class="note">{t("computing")}</p> }.into_any(),
        Some(Err(reason)) => {
            let error = locale().reason(&reason);
            let note = locale().format("why_failed", &[("error", &error)]);
            view! { <p class="note">{note}</p> }.into_any()
        }
        Some(Ok(evidence)) => {
            let (target, locale) = (target.get(), locale());
            target
                .map(|target| view! { <Shown evidence=evidence target=target locale=locale /> })
                .into_any()
        }
    };
    view! {
        <details class="why" on:toggle=toggled>
            <summary>{t("why")}</summary>
            <label class="for">
                {t("evidence_for")} " "
                <select on:change=select>{options}</select>
            </label>
            {shown}
            <p class="note">{t("why_help")}</p>
        </details>
    }
}

/// The most probable class of the first attribute that has one; a coarse class if the attribute has coarse classes.
fn best(attributes: &[Attribute], prediction: &UserPrediction) -> Option<Target> {
    attributes.iter().find_map(|attribute| {
        let shown = coarse(prediction.predictions.get(&attribute.name)?);
        Some(Target {
            attribute: attribute.name.clone(),
            class: shown.label?,
            is_coarse: !attribute.coarse_classes.is_empty(),
        })
    })
}

#[component]
fn Shown(evidence: Evidence, target: Target, locale: Locale) -> impl IntoView {
    let Evidence { posts, explanation } = evidence;
    let weights = weights(&explanation, &target).unwrap_or_default().to_vec();
    let largest = weights
        .iter()
        .fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
    let piece = |piece: crate::evidence::Piece| {
        let weight = piece.word.and_then(|word| weights.get(word)).copied();
        match weight.filter(|_| largest > 0.0) {
            None => piece.text.into_any(),
            Some(weight) => {
                let depth = format!("{:.0}%", (weight / largest).abs() * 100.0);
                view! {
                    <span class="word" class:against=weight < 0.0 title=factor(weight) style=("--depth", depth)>{piece.text}</span>
                }
                .into_any()
            }
        }
    };
    let post = |post: Vec<crate::evidence::Piece>| {
        view! { <p dir="auto">{post.into_iter().map(piece).collect_view()}</p> }
    };
    let text = pieces(&posts, &explanation.words)
        .into_iter()
        .map(post)
        .collect_view();
    let [for_it, against] = strongest(&posts, &explanation.words, &weights, LISTED);
    let nothing = for_it.is_empty() && against.is_empty();
    let class = locale.name(&target.class);
    let list = |heading: &str, words: Vec<(String, f32)>| {
        let items = words.into_iter().map(|(word, weight)| {
            view! { <li><span dir="auto">{word}</span> " " <span class="share">{factor(weight)}</span></li> }
        });
        let heading = locale.format(heading, &[("class", &class)]);
        view! { <div><h4>{heading}</h4><ul>{items.collect_view()}</ul></div> }
    };
    let (explained, read) = (explanation.words.len(), explanation.prediction.words);
    let partly = (explained < read).then(|| {
        let note = locale.format("explained", &[("explained", &explained), ("read", &read)]);
        view! { <p class="note">{note}</p> }
    });
    view! {
        {partly}
        // The lists are for visitors who cannot see the colours. A long text scrolls, so it must take the focus.
        <div class="marked" tabindex="0" role="group" aria-label=locale.t("marked_text")>{text}</div>
        {if nothing {
            view! { <p class="note">{locale.t("no_evidence")}</p> }.into_any()
        } else {
            view! {
                <div class="lists">
                    {list("speaks_for", for_it)}
                    {list("speaks_against", against)}
                </div>
            }
            .into_any()
        }}
    }
}
