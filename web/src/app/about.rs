//! The model card's facts.

use leptos::prelude::*;
use model_core::card::AttributeFigures;

use super::link::Link;
use crate::labels::title;

/// What the model's makers say about it, behind a disclosure.
#[component]
pub fn About(link: Link) -> impl IntoView {
    let card = link.watch(|session| session.model().map(|model| model.card.clone()));
    move || {
        let card = card.get()?;
        let facts = [
            ("Languages", card.languages.join(", ")),
            ("Learned from", card.data),
            ("Terms", card.licence),
            ("Meant for", card.intended_use),
            ("Not for", card.not_for),
            ("Known limits", card.limits),
            ("Sources", card.citations.join("\n")),
        ];
        let facts = facts.into_iter().filter(|(_, text)| !text.is_empty());
        Some(view! {
            <details class="about">
                <summary>"About the model "<cite>{card.name}</cite></summary>
                <dl>{facts.map(|(term, text)| view! { <dt>{term}</dt><dd>{text}</dd> }).collect_view()}</dl>
                {(!card.figures.is_empty()).then(|| view! { <Figures figures=card.figures /> })}
            </details>
        })
    }
}

/// How well the model did on writers it had never seen.
#[component]
fn Figures(figures: Vec<AttributeFigures>) -> impl IntoView {
    let rows = figures.into_iter().map(|row| {
        view! {
            <tr>
                <th scope="row">{title(&row.attribute)}</th>
                <td>{row.users}</td>
                <td>{share(row.accuracy)}</td>
                <td>{share(row.majority)}</td>
                <td>{format!("{:.3}", row.f)}</td>
            </tr>
        }
    });
    view! {
        <div class="figures" tabindex="0" role="region" aria-label="Test figures">
            <table>
                <caption>"On writers the model had never seen"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Attribute"</th>
                        <th scope="col">"Writers"</th>
                        <th scope="col">"Right"</th>
                        <th scope="col">"Always guessing the most frequent"</th>
                        <th scope="col">"F"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
}

fn share(value: f64) -> String {
    format!("{:.1}%", value * 100.0)
}
