//! The model card's facts.

use leptos::prelude::*;
use model_core::card::AttributeFigures;

use super::language;
use super::link::Link;
use super::reliability::{Reliability, share};
use crate::summary;

/// What the model's makers say about it, behind a disclosure.
#[component]
pub fn About(link: Link) -> impl IntoView {
    let card = link.watch(|session| session.model().map(|model| model.card.clone()));
    move || {
        let card = card.get()?;
        let texts = language().texts();
        let facts = [
            card.languages.join(", "),
            card.data,
            card.licence,
            card.intended_use,
            card.not_for,
            card.limits,
            card.citations.join("\n"),
        ];
        let facts = (texts.card.into_iter())
            .zip(facts)
            .filter(|(_, text)| !text.is_empty());
        Some(view! {
            <details class="about">
                <summary>{texts.about} " " <cite>{card.name}</cite></summary>
                <dl>{facts.map(|(term, text)| view! { <dt>{term}</dt><dd>{text}</dd> }).collect_view()}</dl>
                {(!card.figures.is_empty()).then(|| view! { <Figures figures=card.figures.clone() refit=card.refit /> })}
                <Reliability figures=card.figures />
            </details>
        })
    }
}

/// How well the model, or the one that it is a refit of, did on writers it had never seen.
#[component]
fn Figures(figures: Vec<AttributeFigures>, refit: bool) -> impl IntoView {
    let texts = language().texts();
    let caption = match refit {
        true => texts.refit_figures_caption,
        false => texts.figures_caption,
    };
    let rows = figures.into_iter().map(|row| {
        view! {
            <tr>
                <th scope="row">{summary::figures_name(&row, language())}</th>
                <td>{row.users}</td>
                <td>{share(row.accuracy)}</td>
                <td>{share(row.majority)}</td>
                <td>{format!("{:.3}", row.f)}</td>
            </tr>
        }
    });
    view! {
        <div class="table" tabindex="0" role="region" aria-label=texts.figures>
            <table>
                <caption>{caption}</caption>
                <thead>
                    <tr>{texts.figures_columns.map(|column| view! { <th scope="col">{column}</th> }).into_iter().collect_view()}</tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
}
