//! "What did joint learning do?": the same text, read by the single-task model.

use leptos::prelude::*;
use leptos::task::spawn_local;
use model_core::prediction::{AttributePrediction, UserPrediction};

use super::best::BestCell;
use super::link::Link;
use super::{locale, t};
use crate::session::Comparison;
use crate::summary;

/// The comparison, behind a disclosure. The single-task model is fetched when the disclosure is first opened.
#[component]
pub fn Joint(link: Link, prediction: Memo<Option<UserPrediction>>) -> impl IntoView {
    let possible = link.watch(|session| session.can_compare());
    let comparison = link.watch(|session| session.comparison());
    // A disclosure that is gone needs no more comparisons.
    on_cleanup(move || spawn_local(async move { link.act(|session| session.compare(false)) }));
    let toggled = move |event: web_sys::Event| {
        let details: web_sys::HtmlDetailsElement = event_target(&event);
        link.act(|session| session.compare(details.open()));
    };
    let cell = |prediction: Option<&AttributePrediction>| {
        let best = prediction.and_then(|prediction| summary::best(prediction, locale()));
        view! { <BestCell best=best /> }
    };
    let rows = move |single_task: &UserPrediction| {
        prediction.with(|joint| {
            let rows = joint.as_ref()?.predictions.iter().map(|(name, joint)| {
                view! {
                    <tr>
                        <th scope="row">{locale().name(name)}</th>
                        {cell(single_task.predictions.get(name))}
                        {cell(Some(joint))}
                    </tr>
                }
            });
            Some(rows.collect_view())
        })
    };
    let shown = move || {
        match comparison.get() {
        Comparison::NotWanted => ().into_any(),
        Comparison::Coming => view! { <p class="note">{t("computing")}</p> }.into_any(),
        Comparison::Failed(reason) => {
            let error = locale().reason(&reason);
            let note = locale().format("joint_failed", &[("error", &error)]);
            view! { <p class="note">{note}</p> }.into_any()
        }
        Comparison::Here(single_task) => view! {
            <table>
                <thead>
                    <tr>
                        {["attribute", "learned_alone", "learned_jointly"].map(|column| view! { <th scope="col">{t(column)}</th> }).into_iter().collect_view()}
                    </tr>
                </thead>
                <tbody>{rows(&single_task)}</tbody>
            </table>
        }
        .into_any(),
    }
    };
    view! {
        <Show when=move || possible.get()>
            <details class="why" on:toggle=toggled>
                <summary>{t("joint")}</summary>
                <p class="note">{t("joint_help")}</p>
                {shown}
            </details>
        </Show>
    }
}
