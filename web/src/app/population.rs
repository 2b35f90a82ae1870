//! "All writers": the estimated shares of the classes among the writers of a file.

use std::sync::Arc;

use leptos::prelude::*;
use model_core::population::{JointShares, PopulationEstimate, Share};
use model_core::prediction::Named;

use super::link::Link;
use super::{Announced, locale, t};
use crate::batch::{Batch, FEWEST_FOR_SHARES};
use crate::labels::{estimated, percent};
use crate::locale::Locale;
use crate::summary;

/// The newest estimate, if there is one.
type Estimate = Memo<Option<Arc<PopulationEstimate>>>;

/// The shares, or why there are none.
#[component]
pub fn Population(link: Link) -> impl IntoView {
    let newest = link.watch(|session| session.batch()?.population().cloned());
    let too_few = link.watch(|session| {
        let has_few = |batch: &Batch| (1..FEWEST_FOR_SHARES).contains(&batch.lines().len());
        (session.batch()).is_some_and(|batch| has_few(batch) && !batch.is_running())
    });
    let estimate: Estimate =
        Memo::new(move |_| newest.get()?.ok().filter(|estimate| estimate.users > 0));
    let missing = move || match newest.get() {
        None => too_few
            .get()
            .then(|| locale().format("too_few_writers", &[("fewest", &FEWEST_FOR_SHARES)])),
        Some(Ok(estimate)) if estimate.users > 0 => None,
        Some(Ok(_)) => Some(locale().t("no_shares").to_string()),
        Some(Err(reason)) => {
            let error = locale().reason(&reason);
            Some(locale().format("shares_failed", &[("error", &error)]))
        }
    };
    let help = move || {
        estimate.with(|estimate| {
            let users = estimate.as_ref()?.users as usize;
            Some(locale().plural("all_writers_help", users, &[]))
        })
    };
    let left_out = move || {
        estimate.with(|estimate| {
            let count = estimate.as_ref()?.without_known_words;
            (count > 0).then(|| locale().format("left_out", &[("count", &count)]))
        })
    };
    let warned = move || {
        estimate.with(|estimate| {
            let checks = estimate.iter().flat_map(|estimate| &estimate.texts);
            let warnings = checks.filter_map(|check| summary::unlike(check, locale()));
            warnings.collect::<Vec<_>>()
        })
    };
    let warnings = move || {
        let warnings = warned().into_iter();
        warnings
            .map(|warning| view! { <p class="warning">{warning}</p> })
            .collect_view()
    };
    let announced = move || warned().join(" ");
    let attributes = Memo::new(move |_| {
        estimate.with(|estimate| {
            let attributes = estimate.iter().flat_map(|estimate| &estimate.attributes.0);
            attributes.map(|(name, _)| name.clone()).collect::<Vec<_>>()
        })
    });
    view! {
        <Show when=move || estimate.with(Option::is_some)>
            <section class="population" aria-labelledby="population">
                <h3 id="population">{t("all_writers")}</h3>
                <p class="note">{help} " " {left_out}</p>
                {warnings}
                <Announced text=announced />
                <For each=move || attributes.get() key=|name| name.clone() let:name>
                    <AttributeBars name=name estimate=estimate />
                </For>
                <Pairs estimate=estimate />
            </section>
        </Show>
        <p class="note">{missing}</p>
    }
}

/// One attribute: its classes, or its coarse classes with the classes behind a disclosure.
#[component]
fn AttributeBars(name: String, estimate: Estimate) -> impl IntoView {
    let heading = {
        let name = name.clone();
        Signal::derive(move || locale().name(&name))
    };
    let this = Memo::new({
        let name = name.clone();
        move |_| estimate.with(|estimate| estimate.as_ref()?.attributes.get(&name).cloned())
    });
    let first = Memo::new(move |_| {
        let this = this.get()?;
        this.coarse.or(this.shares)
    });
    let more = Memo::new(move |_| {
        let this = this.get()?;
        this.coarse.and(this.shares)
    });
    let writers = move || {
        let users = this.get().filter(|this| this.shares.is_some())?.users;
        Some(locale().plural("rests_on", users as usize, &[]))
    };
    let missing = move || {
        this.with(|this| this.as_ref().is_none_or(|this| this.shares.is_none()))
            .then(|| {
                let why = estimate.with(|estimate| {
                    (estimate.as_ref()).map(|estimate| summary::not_estimated(estimate, locale()))
                });
                view! { <p class="note">{why}</p> }
            })
    };
    let number = move || more.with(|more| more.as_ref().map_or(0, |more| more.0.len()));
    let all = move || locale().format("all_classes_of", &[("attribute", &heading.get())]);
    view! {
        <div class="attribute" data-population=name>
            <h4>{heading} " " <span class="share">{writers}</span></h4>
            {missing}
            {move || first.get().map(|shares| bars(heading.get(), shares, locale()))}
            <Show when=move || more.with(Option::is_some)>
                <details>
                    <summary>{move || locale().format("all_classes", &[("number", &number())])}</summary>
                    {move || more.get().map(|shares| bars(all(), shares, locale()))}
                </details>
            </Show>
        </div>
    }
}

/// A list of classes, each with its share as a bar, the interval as a line on it, and both as text.
fn bars(label: String, shares: Named<Share>, locale: Locale) -> AnyView {
    let length = |share: f64| format!("{:.2}%", share * 100.0);
    let row = |(class, Share { share, low, high }): (String, Share)| {
        let name = locale.name(&class);
        view! {
            <li data-class=class data-share=share.to_string() data-low=low.to_string() data-high=high.to_string()>
                <span class="name">{name}</span>
                " "
                <span class="bar" aria-hidden="true">
                    <span style:width=length(share)></span>
                    <span class="interval" style:left=length(low) style:width=length(high - low)></span>
                </span>
                <span class="percent">{estimated(share, low, high)}</span>
            </li>
        }
    };
    let rows = shares.0.into_iter().map(row).collect_view();
    view! { <ul class="bars shares" role="list" aria-label=label>{rows}</ul> }.into_any()
}

/// The shares of pairs of classes, for the two attributes that the visitor chooses.
#[component]
fn Pairs(estimate: Estimate) -> impl IntoView {
    let chosen = RwSignal::new(0_usize);
    let pairs = Memo::new(move |_| {
        estimate.with(|estimate| {
            let pairs = estimate.iter().flat_map(|estimate| &estimate.joint);
            let names = pairs.map(|pair| (pair.rows.clone(), pair.columns.clone()));
            names.collect::<Vec<_>>()
        })
    });
    let choose = move |event: web_sys::Event| {
        chosen.set(event_target_value(&event).parse().unwrap_or_default());
    };
    let options = move || {
        let option = |(place, (rows, columns)): (usize, (String, String))| {
            let [rows, columns] = [rows, columns].map(|name| locale().name(&name));
            let text = locale().format("pair", &[("rows", &rows), ("columns", &columns)]);
            view! { <option value=place.to_string() selected=move || chosen.get() == place>{text}</option> }
        };
        pairs
            .get()
            .into_iter()
            .enumerate()
            .map(option)
            .collect_view()
    };
    let shown = move || {
        estimate.with(|estimate| {
            let pair = estimate.as_ref()?.joint.get(chosen.get())?;
            Some(table(pair, locale()))
        })
    };
    view! {
        <Show when=move || pairs.with(|pairs| !pairs.is_empty())>
            <div class="attribute pairs">
                <label>{t("pairs")} " " <select on:change=choose>{options}</select></label>
                {shown}
            </div>
        </Show>
    }
}

/// A cell is the darker, the larger its share is.
fn table(pair: &JointShares, locale: Locale) -> AnyView {
    let largest = pair.shares.iter().flatten().copied().fold(0.0, f64::max);
    let cell = |&share: &f64| {
        let depth = format!("{:.0}%", 100.0 * share / largest.max(f64::MIN_POSITIVE));
        view! { <td style=("--depth", depth) data-share=share.to_string()>{percent(share as f32)}</td> }
    };
    let columns = pair.column_labels.iter();
    let columns = columns.map(|label| view! { <th scope="col">{locale.name(label)}</th> });
    let row = |(label, shares): (&String, &Vec<f64>)| {
        let cells = shares.iter().map(cell).collect_view();
        view! { <tr><th scope="row">{locale.name(label)}</th>{cells}</tr> }
    };
    let rows = pair.row_labels.iter().zip(&pair.shares).map(row);
    // A wide table scrolls, so it must take the focus.
    view! {
        <div class="table" tabindex="0" role="group" aria-label=locale.t("pair_caption")>
            <table>
                <caption>{locale.t("pair_caption")}</caption>
                <thead><tr><td></td>{columns.collect_view()}</tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}
