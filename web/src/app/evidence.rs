//! Why: the text with each word coloured by what it does to a class, and the strongest words as lists.

use leptos::prelude::*;
use leptos::task::spawn_local;
use model_core::attribute::Attribute;
use model_core::prediction::UserPrediction;

use super::language;
use super::link::Link;
use super::say;
use crate::evidence::{Target, factor, pieces, strongest, targets, weights};
use crate::session::Evidence;
use crate::summary::coarse;

/// Words in a list.
const LISTED: usize = 6;

/// The evidence of the newest text, behind a disclosure: it is computed only while that is open.
#[component]
pub fn Why(link: Link, prediction: Memo<Option<UserPrediction>>) -> impl IntoView {
    let attributes = link.watch(|session| {
        let attributes = session.model().map(|model| model.attributes.clone());
        attributes.unwrap_or_default()
    });
    let evidence = link.watch(|session| session.evidence().cloned());
    let chosen = RwSignal::new(None::<Target>);
    // Until the user chooses, the most probable class of the first attribute.
    let target = Memo::new(move |_| {
        let attributes = attributes.get();
        let all: Vec<Target> = attributes.iter().flat_map(targets).collect();
        let wanted = chosen.get().filter(|chosen| all.contains(chosen));
        wanted.or_else(|| prediction.with(|prediction| best(&attributes, prediction.as_ref()?)))
    });
    // Nobody sees it any more.
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
                let name = language().name(&choice.class);
                view! { <option value=value selected=move || target.get().as_ref() == Some(&choice)>{name}</option> }
            });
            let options = options.collect_view();
            view! { <optgroup label=language().name(&attribute.name)>{options}</optgroup> }
        };
        attributes.with(|attributes| attributes.iter().map(group).collect_view())
    };
    let shown = move || match evidence.get() {
        None => view! { <p class="note">{say(|texts| texts.computing)}</p> }.into_any(),
        Some(Err(message)) => view! { <p class="note">{message}</p> }.into_any(),
        Some(Ok(evidence)) => {
            let target = target.get();
            target
                .map(|target| view! { <Shown evidence=evidence target=target /> })
                .into_any()
        }
    };
    view! {
        <details class="why" on:toggle=toggled>
            <summary>{say(|texts| texts.why)}</summary>
            <label class="for">
                {say(|texts| texts.evidence_for)} " "
                <select on:change=select>{options}</select>
            </label>
            {shown}
            <p class="note">{say(|texts| texts.why_help)}</p>
        </details>
    }
}

/// The most probable class, or group, of the first attribute that has one.
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
fn Shown(evidence: Evidence, target: Target) -> impl IntoView {
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
    let class = language().name(&target.class);
    let texts = language().texts();
    let list = |heading: String, words: Vec<(String, f32)>| {
        let items = words.into_iter().map(|(word, weight)| {
            view! { <li><span dir="auto">{word}</span> " " <span class="share">{factor(weight)}</span></li> }
        });
        view! { <div><h4>{heading}</h4><ul>{items.collect_view()}</ul></div> }
    };
    let (explained, read) = (explanation.words.len(), explanation.prediction.words);
    let partly = (explained < read)
        .then(|| view! { <p class="note">{(texts.explained)(explained, read)}</p> });
    view! {
        {partly}
        // Its words are in the lists, for those who cannot see the colours. Where it is long it scrolls, by keys too.
        <div class="marked" tabindex="0" role="group" aria-label=texts.posts_label>{text}</div>
        {if nothing {
            view! { <p class="note">{texts.no_evidence}</p> }.into_any()
        } else {
            view! {
                <div class="lists">
                    {list((texts.speaks_for)(&class), for_it)}
                    {list((texts.speaks_against)(&class), against)}
                </div>
            }
            .into_any()
        }}
    }
}
