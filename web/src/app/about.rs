//! What the model card says.

use leptos::prelude::*;
use model_core::card::ModelCard;

use super::link::Link;
use super::reliability::{Reliability, share};
use super::{locale, t};
use crate::locale::Locale;
use crate::summary;

/// The terms of the model and the uses that it is not for. They are in sight, because they apply to every use of the page.
#[component]
pub fn Terms(link: Link) -> impl IntoView {
    let card = link.watch(|session| session.model().map(|model| model.card.clone()));
    move || {
        let card = card.get()?;
        let terms = [
            ("card_licence", card.licence),
            ("card_not_for", card.not_for),
        ];
        facts(terms, locale())
    }
}

/// The rest of the model card, behind a disclosure. Its hundreds of elements are made when it is first opened.
#[component]
pub fn About(link: Link) -> impl IntoView {
    let card = link.watch(|session| session.model().map(|model| model.card.clone()));
    let was_opened = RwSignal::new(false);
    let rest = move || {
        let card = was_opened.get().then(|| card.get()).flatten()?;
        let locale = locale();
        let has_figures = !card.figures.is_empty();
        let figures = has_figures.then(|| view! { <Figures card=card.clone() locale=locale /> });
        let more = [
            ("card_languages", card.languages.join(", ")),
            ("card_data", card.data),
            ("card_intended_use", card.intended_use),
            ("card_limits", card.limits),
            ("card_citations", card.citations.join("\n")),
        ];
        Some(view! {
            {facts(more, locale)}
            {figures}
            <Reliability figures=card.figures locale=locale />
        })
    };
    move || {
        let name = card.with(|card| Some(card.as_ref()?.name.clone()))?;
        Some(view! {
            <details class="about" on:toggle=move |_| was_opened.set(true)>
                <summary><h2>{t("about")} " " <cite>{name}</cite></h2></summary>
                {rest}
            </details>
        })
    }
}

/// The facts that a card states, each with the key of its term; `None` if it states none of them.
fn facts<const N: usize>(facts: [(&'static str, String); N], locale: Locale) -> Option<AnyView> {
    let stated = facts.into_iter().filter(|(_, text)| !text.is_empty());
    let stated = stated.map(|(term, text)| view! { <dt>{locale.t(term)}</dt><dd>{text}</dd> });
    let stated = stated.collect::<Vec<_>>();
    (!stated.is_empty()).then(|| view! { <dl>{stated}</dl> }.into_any())
}

/// The test figures: of this model, or if it is a refit, of the model that was tested before it.
#[component]
fn Figures(card: ModelCard, locale: Locale) -> impl IntoView {
    let caption = summary::figures_caption(&card, locale);
    let columns = [
        "attribute",
        "writers",
        "correct",
        "majority",
        "macro_f1",
        "paper_f",
    ];
    let columns = columns.map(|column| view! { <th scope="col">{locale.t(column)}</th> });
    let decimals = |figure: f64| format!("{figure:.3}");
    let rows = card.figures.into_iter().map(|row| {
        view! {
            <tr>
                <th scope="row">{summary::figures_name(&row, locale)}</th>
                <td>{row.users}</td>
                <td>{share(row.accuracy)}</td>
                <td>{share(row.majority)}</td>
                <td>{row.macro_f1.map_or_else(|| "–".to_owned(), decimals)}</td>
                <td>{decimals(row.f)}</td>
            </tr>
        }
    });
    view! {
        <div class="table" tabindex="0" role="region" aria-label=locale.t("figures")>
            <table>
                <caption>{caption}</caption>
                <thead>
                    <tr>{columns.into_iter().collect_view()}</tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
        <p class="note">{locale.t("f_help")}</p>
    }
}
